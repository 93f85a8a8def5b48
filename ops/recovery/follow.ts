// Follows a run to its end, whatever becomes of this command: the run goes on without it.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { CommandFailed } from '../command';
import { EXIT } from './exit';
import type { ProgressView } from './progress-view';
import { type Run, readRun } from './runs';

const LOOKS_EACH_MS = 500;
/** A worker that is started anew, or a Temporal, is back by then. */
const SILENT_FOR_MS = 5 * 60_000;
/** As a shell ends what was interrupted. */
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export interface Follow {
  temporal: Client;
  workflowId: string;
  /** `Backup 20260123T180000Z`. */
  title: string;
  /** The command that follows it again. */
  again: string;
  view: ProgressView;
  /** Asked once, where the run waits for a word. */
  decide?(run: Run): Promise<void>;
}

export async function follow({ temporal, workflowId, title, again, view, decide }: Follow): Promise<Run> {
  const goesOn = `${title} goes on without this command. To follow it again: ${again}`;
  const release = onSignal((signal) => {
    view.say(goesOn);
    process.exit(INTERRUPTED[signal]);
  });
  let heardAt = Date.now();
  let isSilent = false;
  let isDecided = false;
  try {
    for (;;) {
      const run = await readRun(temporal, workflowId).catch(() => 'away' as const);
      if (run === null) throw new CommandFailed('not_found', `${title}: there is none that Temporal knows.`);
      if (run !== 'away') view.show(run);
      if (run !== 'away' && run.isOver) return run;
      if (run !== 'away' && run.status !== 'unknown') {
        [heardAt, isSilent] = [Date.now(), false];
      } else if (Date.now() - heardAt > SILENT_FOR_MS) {
        throw new CommandFailed(
          'silent',
          `Nothing has been heard of it for ${SILENT_FOR_MS / 60_000} minutes: look after ${run === 'away' ? 'Temporal' : 'the worker'}. ${goesOn}`,
        );
      } else if (!isSilent && Date.now() - heardAt > 5_000) {
        isSilent = true;
        view.say(
          run === 'away'
            ? 'Temporal does not answer; it is asked again.'
            : 'No worker answers for it; it goes on as soon as one does.',
        );
      }
      if (run !== 'away' && run.status === 'awaiting_confirmation' && decide && !isDecided) {
        isDecided = true;
        view.end();
        await decide(run);
      }
      await delay(LOOKS_EACH_MS);
    }
  } finally {
    release();
    view.end();
  }
}

export function exitCodeOf({ status }: Run): number {
  return status === 'done' ? EXIT.done : status === 'refused' ? EXIT.refused : EXIT.failed;
}

/** What `--json` prints. */
export const documentOf = (id: string, { isOver: _, ...run }: Run) => ({ id, ...run });

/** The end of a sentence. */
export const because = (problem: Run['problem']) => (problem ? ` (${problem.code}): ${problem.message}` : '.');

function onSignal(act: (signal: keyof typeof INTERRUPTED) => void): () => void {
  const signals = Object.keys(INTERRUPTED) as (keyof typeof INTERRUPTED)[];
  for (const signal of signals) process.on(signal, act);
  return () => {
    for (const signal of signals) process.off(signal, act);
  };
}
