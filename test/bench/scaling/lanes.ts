// Measures how many mails one lane sends, and how many PostgreSQL bears beside it: so that it can be said which of the two is
// the limit first, and what a second lane would bring.
import type pg from 'pg';
import type { Countersign } from '../apps/countersign';
import { now } from '../clock';
import { cpuTimes } from '../process-numbers';
import { Program } from '../program';
import type { Servers } from '../servers';
import { withClient } from './client';
import { copyDraft } from './copies';
import type { Done, Task } from './lane-program';
import { median } from './median';

interface Trial {
  lanes: number;
  atOnce: number;
  what: Task['what'];
  mails: number;
}
export interface LaneSample {
  title: string;
  perSecond: number;
  /** A mail, of all lanes together. */
  laneMs: number;
  postgresMs: number;
  /** Processors that PostgreSQL had in use. */
  postgresLoad: number;
  /** Of one processor, each lane's share. */
  laneLoad: number;
}

const TRIALS: Trial[] = [
  { lanes: 1, atOnce: 1, what: 'mails', mails: 300 },
  { lanes: 1, atOnce: 4, what: 'mails', mails: 1_000 },
  { lanes: 1, atOnce: 16, what: 'mails', mails: 2_000 },
  { lanes: 1, atOnce: 16, what: 'statements', mails: 3_000 },
  { lanes: 2, atOnce: 16, what: 'statements', mails: 3_000 },
  { lanes: 4, atOnce: 16, what: 'statements', mails: 3_000 },
];
const MOST_LANES = Math.max(...TRIALS.map(({ lanes }) => lanes));
const titleOf = ({ lanes, atOnce, what }: Trial) =>
  what === 'mails'
    ? `mails, ${atOnce} connection${atOnce > 1 ? 's' : ''}`
    : `statements alone, ${lanes} lane${lanes > 1 ? 's' : ''}`;

/** Nothing else of Countersign runs meanwhile. @param template a sent draft */
export function measureLanes(
  countersign: Countersign,
  template: string,
  servers: Servers,
  rounds: number,
  progress: (line: string) => void,
): Promise<LaneSample[]> {
  return withClient(countersign.databaseUrl, (client) =>
    measure(client, countersign, template, servers, rounds, progress),
  );
}

async function measure(
  client: pg.Client,
  { environment }: Countersign,
  template: string,
  servers: Servers,
  rounds: number,
  progress: (line: string) => void,
): Promise<LaneSample[]> {
  const names = Array.from({ length: MOST_LANES }, (_, n) => (n === 0 ? 'email' : `email-${n + 1}`));
  const programs: Program[] = [];
  for (const name of names) {
    await client.query('INSERT INTO lanes (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
    const { program } = await Program.startOwn(`lane-${name}`, 'scaling/lane-program.ts', servers.folder, environment);
    programs.push(program);
  }
  const samples = new Map(TRIALS.map((trial) => [trial, [] as LaneSample[]]));
  for (let round = 0; round < rounds; round++) {
    for (const trial of round % 2 === 0 ? TRIALS : TRIALS.toReversed()) {
      progress(`round ${round + 1} of ${rounds}: ${titleOf(trial)}`);
      await copyDraft(client, template, trial.mails);
      samples.get(trial)?.push(await measureTrial(trial));
    }
  }
  await Promise.all(programs.map((program) => program.stop()));
  return [...samples.values()].map(middle);

  async function measureTrial(trial: Trial): Promise<LaneSample> {
    const working = programs.slice(0, trial.lanes);
    const tell = (what: Task['do']) =>
      Promise.all(
        working.map((program, n) => program.ask<Done>({ ...trial, do: what, lane: names[n] as string } satisfies Task)),
      );
    await tell('take over');
    const pids = [servers.postgres.pid, ...working.map(({ pid }) => pid)];
    const before = cpuTimes(pids);
    const begun = now();
    const done = await tell('carry out');
    const ms = now() - begun;
    const [postgres = Number.NaN, ...lanes] = (cpuTimes(pids) ?? []).map((after, i) => after - (before?.[i] ?? 0));
    const sent = done.reduce((sum, { mails }) => sum + mails, 0);
    if (sent !== trial.mails) throw new Error(`${titleOf(trial)}: ${sent} of ${trial.mails}`);
    const lane = lanes.reduce((sum, one) => sum + one, 0);
    return {
      title: titleOf(trial),
      perSecond: (sent * 1_000) / ms,
      laneMs: lane / sent,
      postgresMs: postgres / sent,
      postgresLoad: postgres / ms,
      laneLoad: lane / ms / trial.lanes,
    };
  }
}

function middle(samples: LaneSample[]): LaneSample {
  const of = (key: Exclude<keyof LaneSample, 'title'>) => median(samples.map((one) => one[key]));
  return {
    title: samples[0]?.title ?? '',
    perSecond: of('perSecond'),
    laneMs: of('laneMs'),
    postgresMs: of('postgresMs'),
    postgresLoad: of('postgresLoad'),
    laneLoad: of('laneLoad'),
  };
}
