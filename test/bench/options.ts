// What the command line says.
import { parseArgs } from 'node:util';

export const APP_NAMES = ['plain', 'idiomatic', 'policy', 'people'] as const;
export type AppName = (typeof APP_NAMES)[number];

export interface Options {
  json: boolean;
  part: 'closed' | 'open' | 'temporal-away' | 'audit' | 'cleanup' | 'erasure' | 'backup' | 'telemetry' | 'scaling';
  apps: AppName[];
  concurrency: number[];
  rounds: number;
  /** Of one window of the closed loop. */
  seconds: number;
  /** Of the open loop. */
  minutes: number;
  /** Drafts that the cleanup finds, the erasures, or the backup. */
  rows: number;
  /** Given to the service's Node processes, for instance `--cpu-prof`. */
  nodeOptions: string[];
}

export const USAGE = `npm run bench -- [options]
  --quick            one short round, under 90 seconds
  --json             prints JSON instead of text
  --open             open loop: 100 requests a second for ten minutes
  --minutes <n>      of the open loop
  --temporal-away    commands with Temporal running, stopped, and back
  --audit            appends to the audit trail with and without its sealer
  --cleanup          a million old drafts are erased while requests come; --rows <n> for fewer
  --erasure          people are erased among a thousand drafts and among a million; --rows <n> for fewer
  --backup           full backups next to bare ones of the same data, and requests meanwhile; --rows <n>, --rounds <n>
  --telemetry        CPU a flow with Sentry and scrapes, next to without; --rounds <n>, --seconds <n>
  --scaling          1, 2 and 4 processes of API and worker, one lane and several, and what a draft costs; --rounds <n>, --seconds <n>
  --apps <names>     of ${APP_NAMES.join(',')}
  --at <numbers>     concurrency, by default 1,16,64
  --rounds <n>       of the closed loop
  --seconds <n>      of one window of the closed loop
  --node <options>   for the service's own processes, for instance --node="--cpu-prof --cpu-prof-dir=profiles"`;

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      open: { type: 'boolean', default: false },
      audit: { type: 'boolean', default: false },
      'temporal-away': { type: 'boolean', default: false },
      cleanup: { type: 'boolean', default: false },
      erasure: { type: 'boolean', default: false },
      backup: { type: 'boolean', default: false },
      telemetry: { type: 'boolean', default: false },
      scaling: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      minutes: { type: 'string', default: '10' },
      apps: { type: 'string', default: APP_NAMES.join(',') },
      at: { type: 'string', default: '1,16,64' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      node: { type: 'string', default: '' },
    },
  });
  const apps = values.apps.split(',').map((name) => {
    const known = APP_NAMES.find((one) => one === name);
    if (!known) throw new Error(`--apps knows ${APP_NAMES.join(', ')}, not ${name}`);
    return known;
  });
  return {
    json: values.json,
    part:
      (['open', 'temporal-away', 'audit', 'cleanup', 'erasure', 'backup', 'telemetry', 'scaling'] as const).find(
        (part) => values[part],
      ) ?? 'closed',
    apps,
    concurrency: values.at.split(',').map((one) => positive('--at', one)),
    rounds: positive('--rounds', values.rounds ?? (values.quick ? '1' : '2')),
    seconds: positive('--seconds', values.seconds ?? (values.quick ? '1.5' : '4')),
    minutes: positive('--minutes', values.minutes),
    rows: positive('--rows', values.rows),
    nodeOptions: values.node.split(' ').filter(Boolean),
  };
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${option} takes numbers above 0, not ${text}`);
  return number;
}
