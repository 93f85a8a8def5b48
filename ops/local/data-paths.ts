// Where what runs here keeps people's data in files: what an erasure empties and its scan reads.
import type { Home } from './home';

/** @param here what is brought up here */
export function dataPaths(
  home: Home,
  here: { temporal: boolean; redis: boolean; mailbox: boolean },
): NodeJS.ProcessEnv {
  const paths = [
    home.logs,
    ...(here.temporal ? [home.server('temporal')] : []),
    ...(here.redis ? [home.server('redis')] : []),
    ...(here.mailbox ? [home.mail] : []),
  ];
  return {
    SCAN_PATHS: paths.map((path) => path.replaceAll(',', '%2C')).join(','),
    ...(here.mailbox ? { MAILBOX_PATH: home.mail } : {}),
  };
}
