// Requests come at a fixed rate, whether or not earlier ones are answered. A draft is created, and approved a second later.
import { setTimeout as delay } from 'node:timers/promises';
import { type Aim, below } from './aims';
import type { App } from './apps/app';
import type { Arrivals } from './arrivals';
import { now } from './clock';
import { newRecipient } from './closed-loop';
import { type Percentiles, percentiles } from './percentiles';

export const REQUESTS_PER_SECOND = 100;
const APPROVED_AFTER_MS = 1_000;

export interface OpenLoop {
  minutes: number;
  requests: number;
  errors: string[];
  /** From the time a request was due, so that a stall counts for all that it held up. */
  allMs: Percentiles;
  createMs: Percentiles;
  approveMs: Percentiles;
  approveToSentMs: Percentiles;
  /** Mails approved and not yet arrived, each ten seconds. */
  backlog: number[];
  /** The backlog's mean in the last third less that in the first. */
  backlogGrowth: number;
  missing: number;
  aims: Aim[];
}

export async function measureOpenLoop(
  app: App,
  arrivals: Arrivals,
  minutes: number,
  progress: (line: string) => void,
): Promise<OpenLoop> {
  const createMs: number[] = [];
  const approveMs: number[] = [];
  const approveToSentMs: number[] = [];
  const errors: string[] = [];
  const backlog: number[] = [];
  const running = new Set<Promise<void>>();
  let waiting = 0;

  const runFlow = async (due: number) => {
    const recipient = newRecipient('open');
    const id = await app.create(recipient);
    createMs.push(now() - due);
    const approveAt = due + APPROVED_AFTER_MS;
    await delay(Math.max(0, approveAt - now()));
    waiting++;
    await app.approve?.(id);
    approveMs.push(now() - approveAt);
    approveToSentMs.push((await arrivals.of(recipient)) - approveAt);
    waiting--;
  };

  const begin = now();
  const flows = Math.round((minutes * 60 * REQUESTS_PER_SECOND) / 2);
  for (let i = 0; i < flows; i++) {
    const due = begin + (i * 2_000) / REQUESTS_PER_SECOND;
    // A timer may be late by more than the pause between two requests: then several are sent at once.
    if (due > now()) await delay(due - now());
    const flow = runFlow(due).catch((error: Error) => void errors.push(error.message));
    running.add(flow);
    void flow.then(() => running.delete(flow));
    if (i > 0 && i % (5 * REQUESTS_PER_SECOND) === 0) {
      backlog.push(waiting);
      if (i % (30 * REQUESTS_PER_SECOND) === 0)
        progress(`open loop: ${(i * 2) / REQUESTS_PER_SECOND / 60} of ${minutes} minutes`);
    }
  }
  await Promise.race([Promise.all(running), delay(60_000, null, { ref: false })]);

  const allMs = percentiles([...createMs, ...approveMs]);
  const backlogGrowth = growth(backlog);
  return {
    minutes,
    requests: flows * 2,
    errors: [...new Set(errors)].slice(0, 10),
    allMs,
    createMs: percentiles(createMs),
    approveMs: percentiles(approveMs),
    approveToSentMs: percentiles(approveToSentMs),
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
