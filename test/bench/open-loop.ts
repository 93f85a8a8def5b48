// Requests come at a fixed rate, whether or not earlier ones are answered. Of nine drafts policy approves eight; the ninth
// is approved by a person, a second later.
import { setTimeout as delay } from 'node:timers/promises';
import { type Aim, below } from './aims';
import type { App } from './apps/app';
import type { Arrivals } from './arrivals';
import { now } from './clock';
import { newRecipient } from './closed-loop';
import { type Percentiles, percentiles } from './percentiles';

export const REQUESTS_PER_SECOND = 100;
const DRAFTS_IN_TEN = 9;
const BETWEEN_MS = 1_000 / REQUESTS_PER_SECOND;
/** A whole number of tens, and the last of one: so that there is a request at each beat, and never two. */
const APPROVED_AFTER_MS = 1_000 + BETWEEN_MS;

export interface OpenLoop {
  minutes: number;
  requests: number;
  errors: string[];
  /** From the time a request was due, so that a stall counts for all that it held up. */
  allMs: Percentiles;
  createMs: Percentiles;
  approveMs: Percentiles;
  /** From the time that its last approval was due. */
  approvedToSentMs: Percentiles;
  /** Mails approved and not yet arrived, each ten seconds. */
  backlog: number[];
  /** The backlog's mean in the last third less that in the first. */
  backlogGrowth: number;
  missing: number;
  aims: Aim[];
}

export async function measureOpenLoop(
  { policy, people }: { policy: App; people: App },
  arrivals: Arrivals,
  minutes: number,
  progress: (line: string) => void,
): Promise<OpenLoop> {
  const createMs: number[] = [];
  const approveMs: number[] = [];
  const approvedToSentMs: number[] = [];
  const errors: string[] = [];
  const backlog: number[] = [];
  const running = new Set<Promise<void>>();
  let waiting = 0;

  const runFlow = async (due: number, app: App) => {
    const recipient = newRecipient('open');
    const id = await app.create(recipient);
    createMs.push(now() - due);
    let approvedAt = due;
    if (app.approve) {
      approvedAt = due + APPROVED_AFTER_MS;
      await delay(Math.max(0, approvedAt - now()));
      await app.approve(id);
      approveMs.push(now() - approvedAt);
    }
    waiting++;
    approvedToSentMs.push((await arrivals.of(recipient)) - approvedAt);
    waiting--;
  };

  const begin = now();
  const requests = minutes * 60 * REQUESTS_PER_SECOND;
  for (let i = 0; i < requests; i++) {
    const place = i % 10;
    // An approval's.
    if (place === DRAFTS_IN_TEN) continue;
    const due = begin + i * BETWEEN_MS;
    // A timer may be late by more than the pause between two requests: then several are sent at once.
    if (due > now()) await delay(due - now());
    const flow = runFlow(due, place === DRAFTS_IN_TEN - 1 ? people : policy).catch(
      (error: Error) => void errors.push(error.message),
    );
    running.add(flow);
    void flow.then(() => running.delete(flow));
    if (i > 0 && i % (10 * REQUESTS_PER_SECOND) === 0) {
      backlog.push(waiting);
      if (i % (60 * REQUESTS_PER_SECOND) === 0)
        progress(`open loop: ${i / REQUESTS_PER_SECOND / 60} of ${minutes} minutes`);
    }
  }
  await Promise.race([Promise.all(running), delay(60_000, null, { ref: false })]);

  const allMs = percentiles([...createMs, ...approveMs]);
  const backlogGrowth = growth(backlog);
  return {
    minutes,
    requests,
    errors: [...new Set(errors)].slice(0, 10),
    allMs,
    createMs: percentiles(createMs),
    approveMs: percentiles(approveMs),
    approvedToSentMs: percentiles(approvedToSentMs),
    backlog,
    backlogGrowth,
    missing: running.size,
    aims: [
      below('p50, ms', allMs.p50, 10),
      below('p99, ms', allMs.p99, 100),
      below('errors', errors.length, 1),
      // Less than a second's mails.
      below('growth of the backlog, mails', backlogGrowth, REQUESTS_PER_SECOND / 2),
    ],
  };
}

function growth(backlog: number[]): number {
  const third = Math.ceil(backlog.length / 3);
  const mean = (values: number[]) =>
    values.length === 0 ? 0 : values.reduce((sum, one) => sum + one, 0) / values.length;
  return mean(backlog.slice(-third)) - mean(backlog.slice(0, third));
}
