// Takes a test's database away from everybody, as a server that is down, and brings it back.
import { onServer } from './database';
import { testServers } from './servers';
import { until } from './until';

/** @returns what brings it back */
export async function takeDatabaseAway(url: string): Promise<() => Promise<void>> {
  const name = new URL(url).pathname.slice(1);
  const run = (statement: string) => onServer(testServers().postgres, statement);
  await run(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  const hide = () => run(`ALTER DATABASE ${name} RENAME TO ${name}_away`);
  await until('nobody is connected', () =>
    hide().then(
      () => true,
      () => false,
    ),
  );
  return async () => {
    await run(`ALTER DATABASE ${name}_away RENAME TO ${name}`);
    await run(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  };
}
