// What somebody who has just started Countersign wants to know.
import type { Installation } from './installation';
import type { Plan } from './plan';

export function banner(installation: Installation, plan: Plan): string {
  const { keys } = installation;
  const { temporalUi, redis } = installation.addresses;
  const api = plan.settings.PUBLIC_URL.replace(/\/$/, '');
  const lines: [string, string | null][] = [
    ['API', api],
    ['release', installation.deployed],
    ['its documentation', `${api}/docs`],
    ['Temporal Web UI', temporalUi],
    ['mailbox', installation.mailbox],
    ['admin token', plan.env.ADMIN_PASSWORD ?? ''],
    ['author key', keys?.author ?? null],
    ['approver key', keys?.approver ?? null],
  ];
  const known = lines.filter(([, value]) => value !== null).map(([name, value]) => `  ${name.padEnd(18)} ${value}`);
  const missing = installation.degraded.filter((part) => redis || !part.startsWith('redis '));
  return [
    '',
    'Countersign is ready.',
    '',
    ...known,
    ...(redis ? [] : ['', '  Redis is not installed: rate limits count for each process by itself.']),
    ...missing.map((part) => `\n  Attention: ${part}.`),
    '',
    'Next, in a second terminal:  npm run demo',
    'Ctrl-C stops everything; all data stays in .countersign/.',
    '',
  ].join('\n');
}
