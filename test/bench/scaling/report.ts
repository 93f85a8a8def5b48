// Prints how Countersign grows, for people.
import { cpus } from 'node:os';
import { number, table } from '../tables';
import type { DraftCost } from './draft-cost';
import type { Fleets } from './fleets';
import type { LaneSample } from './lanes';
import type { Scaling } from './scaling';
import type { WholeLane } from './whole-lane';

const PARTS = [
  ['countersign api', 'API'],
  ['countersign worker', 'worker'],
  ['postgres', 'PostgreSQL'],
  ['temporal', 'Temporal'],
  ['redis', 'Redis'],
  ['mail server', 'mail server'],
  ['driver', 'driver'],
] as const;
const share = (value: number) => `${number(value * 100)} %`;
const rounded = (value: number) => value.toFixed(value < 10 ? 1 : 0);

export function printScaling({ fleets, drafts, wholeLane, lanes }: Scaling): string {
  return [
    `Processes, on ${cpus().length} processors; CPU-ms are those of one flow`,
    printFleets(fleets),
    '',
    'What one draft costs and leaves behind',
    printDrafts(drafts),
    '',
    'Mails that are due, carried out by one worker with nothing else to do; CPU-ms a mail',
    printWholeLane(wholeLane),
    '',
    'The same without Temporal, and the statements of the lane alone; CPU-ms a mail',
    printLanes(lanes),
    ...(fleets.faults.length > 0 ? ['', 'Faults', ...new Set(fleets.faults)] : []),
  ].join('\n');
}

const printFleets = ({ cells }: Fleets): string =>
  table([
    [
      '',
      'API',
      'workers',
      'accepted/s',
      'sent/s',
      ...PARTS.map(([, part]) => part),
      'an API at',
      'a worker at',
      'busy',
    ],
    ...cells.map(({ path, size, acceptedPerSecond, sentPerSecond, cpuMs, apiLoad, workerLoad, busy }) => [
      path,
      String(size.apis),
      String(size.workers),
      number(acceptedPerSecond),
      number(sentPerSecond),
      ...PARTS.map(([name]) => number(cpuMs[name])),
      share(apiLoad),
      share(workerLoad),
      number(busy),
    ]),
  ]);

function printDrafts(drafts: DraftCost[]): string {
  const row = (title: string, of: (one: DraftCost) => number | undefined) => [
    title,
    ...drafts.map((one) => {
      const value = of(one);
      return value === undefined ? '–' : rounded(value);
    }),
  ];
  const all = (of: (one: DraftCost) => Record<string, number>) => [
    ...new Set(drafts.flatMap((one) => Object.keys(of(one)))),
  ];
  return table([
    ['', ...drafts.map(({ kind }) => kind)],
    row('drafts', ({ drafts }) => drafts),
    row('Actions', ({ history }) => history?.actions),
    row('history, events', ({ history }) => history?.events),
    row('history, bytes', ({ history }) => history?.bytes),
    ...all(({ history }) => history?.types ?? {}).map((type) =>
      row(`  ${type}`, ({ history }) => history?.types[type]),
    ),
    row('development server of Temporal, bytes', ({ temporalBytes }) => temporalBytes),
    row('PostgreSQL, write-ahead log, bytes', ({ wal }) => wal.recordBytes),
    row('  and whole pages after a checkpoint', ({ wal }) => wal.pageBytes),
    row('PostgreSQL, bytes', ({ bytes }) => Object.values(bytes).reduce((sum, one) => sum + one, 0)),
    ...all(({ bytes }) => bytes).map((name) => row(`  bytes in ${name}`, ({ bytes }) => bytes[name] ?? 0)),
    ...all(({ rows }) => rows).map((name) => row(`  rows in ${name}`, ({ rows }) => rows[name] ?? 0)),
  ]);
}

const printWholeLane = ({ mails, perSecond, claimsPerMail, cpuMs }: WholeLane): string =>
  table([
    ['mails', 'sent/s', 'claims/mail', ...PARTS.map(([, part]) => part)],
    [String(mails), number(perSecond), number(claimsPerMail), ...PARTS.map(([name]) => number(cpuMs[name]))],
  ]);

const printLanes = (lanes: LaneSample[]): string =>
  table([
    ['', 'mails/s', 'lanes', 'PostgreSQL', 'a lane at', 'PostgreSQL at'],
    ...lanes.map(({ title, perSecond, laneMs, postgresMs, laneLoad, postgresLoad }) => [
      title,
      number(perSecond),
      number(laneMs),
      number(postgresMs),
      share(laneLoad),
      share(postgresLoad),
    ]),
  ]);
