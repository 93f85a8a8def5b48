// What each part of the bench prints.
import { AIM_CONCURRENCY, type Aim } from './aims';
import type { Cleanup } from './cleanup';
import type { Cell } from './comparison';
import type { ErasureCost } from './erasure';
import type { OpenLoop } from './open-loop';
import type { Percentiles } from './percentiles';
import { aimTable, number, table } from './tables';
import type { TemporalAway } from './temporal-away';

export interface Comparison {
  cells: Cell[];
  peakMemoryMb: Record<string, number | null>;
  aims: Aim[];
  repeated: number;
}

const pair = ({ p50, p99 }: Percentiles) => `${number(p50)} / ${number(p99)}`;

export function printComparison({ cells, peakMemoryMb, aims, repeated }: Comparison): string {
  const concurrencies = [...new Set(cells.map(({ concurrency }) => concurrency))];
  const perApp = concurrencies.flatMap((concurrency) => {
    const rows = cells.filter((cell) => cell.concurrency === concurrency);
    return [
      `${concurrency} concurrent; times are p50 / p99 in ms`,
      table([
        [
          '',
          'accepted/s',
          'create',
          'approve',
          'completed/s',
          'create',
          'approve',
          'create to sent',
          'CPU-ms/flow',
          'events/flow',
        ],
        ...rows.map(({ app, accepted, completed }) => [
          app,
          number(accepted.perSecond),
          pair(accepted.createMs),
          pair(accepted.approveMs),
          number(completed.perSecond),
          pair(completed.createMs),
          pair(completed.approveMs),
          pair(completed.createToSentMs),
          number(completed.cpuMsPerFlow),
          number(completed.eventsPerFlow),
        ]),
      ]),
      '',
    ];
  });
  const cpu = cells
    .filter(({ concurrency }) => concurrency === AIM_CONCURRENCY)
    .map(({ app, completed }) =>
      [app, ...Object.entries(completed.cpuMsPerFlowBy ?? {}).map(([name, ms]) => `${name} ${number(ms)}`)].join('  '),
    );
  const faults = cells.flatMap(({ app, concurrency, errors, missing }) => [
    ...errors.map((error) => `${app} at ${concurrency}: ${error}`),
    ...(missing > 0 ? [`${app} at ${concurrency}: ${missing} mails never came`] : []),
  ]);
  if (repeated > 0) faults.push(`${repeated} mails came twice`);
  return [
    ...perApp,
    `CPU-ms a flow at ${AIM_CONCURRENCY} concurrent, by process`,
    ...cpu,
    '',
    'Peak memory, MB',
    table(Object.entries(peakMemoryMb).map(([name, megabytes]) => [name, number(megabytes)])),
    '',
    `Aims, at ${AIM_CONCURRENCY} concurrent`,
    aimTable(aims),
    ...(faults.length > 0 ? ['', 'Faults', ...faults] : []),
  ].join('\n');
}

export function printOpenLoop(result: OpenLoop): string {
  return [
    `Open loop: ${result.requests} requests in ${result.minutes} minutes; times are p50 / p99 in ms`,
    table([
      ['all requests', pair(result.allMs)],
      ['create', pair(result.createMs)],
      ['approve', pair(result.approveMs)],
      ['approved to sent', pair(result.approvedToSentMs)],
      ['mails waiting, most', number(Math.max(0, ...result.backlog))],
      ['mails that never came', number(result.missing)],
    ]),
    '',
    aimTable(result.aims),
    ...result.errors,
  ].join('\n');
}

export function printTemporalAway({ running, away, sent, expected, sentWithinSeconds, aims }: TemporalAway): string {
  return [
    'With and without Temporal; times are p50 / p99 in ms',
    table([
      ['', 'running', 'away'],
      ['submit', pair(running.submitMs), pair(away.submitMs)],
      ['approve', pair(running.approveMs), pair(away.approveMs)],
      ['reject', pair(running.rejectMs), pair(away.rejectMs)],
    ]),
    `Of ${expected} mails approved meanwhile ${sent} were sent within ${number(sentWithinSeconds)} s of its return.`,
    '',
    aimTable(aims),
    ...new Set([...running.errors, ...away.errors].slice(0, 10)),
  ].join('\n');
}

export function printErasures({ few, many, aims }: ErasureCost): string {
  const row = (name: string, of: (one: ErasureCost['few']) => number | null) => [
    name,
    number(of(few)),
    number(of(many)),
  ];
  return [
    'Erasures: what they cost among few drafts and among many',
    table([
      ['drafts', String(few.drafts), String(many.drafts)],
      row('rows indexed a second', (one) => one.indexedPerSecond),
      ['request, p50 / p99 ms', pair(few.requestMs), pair(many.requestMs)],
      row('purge of one person, ms', (one) => one.purgeMs),
      row('one person, request to certificate, s', (one) => one.oneSeconds),
      row('twenty at once, s', (one) => one.twentySeconds),
      row('passes of the scan for these twenty', (one) => one.passes),
      row('scan, MB', (one) => one.scanMegabytes),
      row('scan, MB a second', (one) => one.scanMegabytesPerSecond),
    ]),
    '',
    aimTable(aims),
  ].join('\n');
}

export function printCleanup(result: Cleanup): string {
  const { rows, erased, status, seconds, without, during, workerPeakMb } = result;
  return [
    `${erased} of ${rows} old drafts erased in ${number(seconds)} s (${status}); times are p50 / p99 in ms`,
    table([
      ['', 'without', 'during'],
      ['create', pair(without.createMs), pair(during.createMs)],
      ['peak memory of the worker, MB', number(workerPeakMb.before), number(workerPeakMb.after)],
    ]),
    table([
      ['erased a second', number(result.rowsPerSecond)],
      ['longest transaction, ms', number(result.longestTransactionMs)],
    ]),
    '',
    aimTable(result.aims),
    ...new Set([...without.errors, ...during.errors]),
  ].join('\n');
}
