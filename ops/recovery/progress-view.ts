// What a run does, as it goes: a bar with rate and time left on a terminal, plain lines elsewhere.
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import { amount, duration } from './amounts';
import { createRate, type Rate } from './rate';
import type { Run } from './runs';

const WIDTH = 24;
/** Where nobody watches, a long step is told of now and then. */
const LINE_EACH_MS = 10_000;

const TITLES: Record<string, string> = {
  postgres: 'PostgreSQL',
  redis: 'Redis',
  files: 'files',
  verify: 'verifying',
  manifest: 'manifest',
  prune: 'removing what is old',
  preflight: 'preflight',
  recover: 'replaying the log',
  check: 'checking',
  rewind: 'bringing promises up to date',
  confirm: 'waiting for your word',
  switch: 'switching',
  begin: 'beginning anew',
  mark: 'looking up what was sent',
  ledger: 'carrying out erasures again',
  lost: 'listing what was lost',
  release: 'letting mail out',
  plan: 'planning, and replaying open runs',
  rehearse: 'rehearsing on a copy',
  migrate: 'migrating the database',
  workers: 'starting the workers',
  trial: 'trying the API beside',
  current: 'giving it every run',
  api: 'switching the API',
  watch: 'watching its health',
  drain: 'draining the release before',
  restore_point: 'making a restore point',
  traffic_out: 'taking requests away',
  database: 'taking the database back',
  undo_api: 'undoing: the API',
  undo_database: 'undoing: the database',
  undo_workers: 'undoing: the workers',
  undo_traffic_out: 'undoing: giving requests back',
  undo_migrate: 'undoing: the migration',
  undo_trial: 'undoing: the trial',
  undo_current: 'undoing: giving every run back',
};

export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export interface ProgressView {
  show(run: Run, now?: number): void;
  /** A line between. */
  say(line: string): void;
  /** Leaves no half-drawn bar. */
  end(): void;
}

export function createProgressView(out: ProgressOutput = process.stderr): ProgressView {
  const begun = new Set<string>();
  const done = new Set<string>();
  let rate: Rate = createRate();
  let toldAt: number | null = null;
  let isDrawn = false;
  let told: string | null = null;

  const clear = () => {
    if (isDrawn) out.write('\r\x1b[2K');
    isDrawn = false;
  };
  const say = (line: string) => {
    clear();
    out.write(`${line}\n`);
  };

  return {
    say,
    end: clear,
    show({ steps, beat, status, waitsFor, trouble }, now = Date.now()) {
      toldAt ??= now;
      for (const { step, startedAt, finishedAt } of steps) {
        const title = TITLES[step] ?? step;
        if (!begun.has(step)) {
          begun.add(step);
          [rate, toldAt] = [createRate(), now];
          if (!out.isTTY) say(`· ${title}`);
        }
        if (finishedAt !== null && !done.has(step)) {
          done.add(step);
          const took = duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
          say(out.isTTY ? `✔ ${title} (${took})` : `  ${title}: done after ${took}`);
        }
      }
      const running = steps.find(({ finishedAt }) => finishedAt === null);
      if (running) rate.add(beat?.done ?? 0, now);
      const title = running ? (TITLES[running.step] ?? running.step) : null;
      // An outage may depend on it.
      if (waitsFor !== null && waitsFor !== told) say(waitsFor);
      told = waitsFor;
      const line = inWords(title, running ? beat : null, rate, status, trouble);
      if (line === null) return;
      if (out.isTTY) {
        const columns = (out.columns || 100) - 1;
        out.write(`\r\x1b[2K${`${bar(beat)} ${line}`.slice(0, columns)}`);
        isDrawn = true;
      } else if (now - toldAt >= LINE_EACH_MS) {
        toldAt = now;
        say(`  ${line}`);
      }
    },
  };
}

function inWords(
  title: string | null,
  beat: StepBeat | null,
  rate: Rate,
  status: Run['status'],
  trouble: string | null,
): string | null {
  if (status === 'waiting')
    return trouble ? `waiting for another operation to end (${trouble})` : 'waiting for its turn';
  if (title === null) return null;
  const again = trouble ? [`tried again after: ${trouble}`] : [];
  if (!beat) return [title, ...again].join(', ');
  const { done, total, unit } = beat;
  const perSecond = rate.perSecond();
  return [
    `${title}: ${amount(done, unit)}${total === null ? '' : ` of ${amount(total, unit)}`}`,
    ...(perSecond ? [`${amount(perSecond, unit)}/s`] : []),
    ...(perSecond && total !== null && total > done ? [`about ${duration((total - done) / perSecond)} left`] : []),
    ...again,
  ].join(', ');
}

function bar(beat: StepBeat | null): string {
  const share = beat?.total ? Math.min(1, beat.done / beat.total) : 0;
  const full = Math.round(WIDTH * share);
  return '█'.repeat(full) + '░'.repeat(WIDTH - full);
}
