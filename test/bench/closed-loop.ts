// A fixed number of clients, each with one flow at a time, for a while.
import type { App } from './apps/app';
import type { Arrivals } from './arrivals';
import { now } from './clock';
import { cpuTimes } from './process-numbers';

/** `accept`: a client goes on when its requests are answered. `complete`: when its mail has arrived. */
export type Mode = 'accept' | 'complete';

export interface Window {
  app: App['name'];
  concurrency: number;
  mode: Mode;
  flows: number;
  /** Until the last client's last flow ended. */
  seconds: number;
  /** From then until the last mail arrived. */
  drainSeconds: number;
  createMs: number[];
  approveMs: number[];
  createToSentMs: number[];
  errors: string[];
  /** Mails that never came. */
  missing: number;
  /** By process (those of one name together), of all flows with their mails; null where the system doesn't tell. */
  cpuMs: Record<string, number> | null;
  ids: string[];
}

const MAILS_WITHIN_MS = 60_000;
let recipients = 0;
export const newRecipient = (app: string) => `${app}-${++recipients}@example.test`;

export async function measureWindow(
  app: App,
  arrivals: Arrivals,
  concurrency: number,
  mode: Mode,
  seconds: number,
): Promise<Window> {
  const window: Window = {
    app: app.name,
    concurrency,
    mode,
    flows: 0,
    seconds: 0,
    drainSeconds: 0,
    createMs: [],
    approveMs: [],
    createToSentMs: [],
    errors: [],
    missing: 0,
    cpuMs: null,
    ids: [],
  };
  const mails: Promise<void>[] = [];

  const runFlow = async () => {
    const recipient = newRecipient(app.name);
    const started = now();
    const id = await app.create(recipient);
    const created = now();
    window.createMs.push(created - started);
    if (app.approve) {
      await app.approve(id);
      window.approveMs.push(now() - created);
    }
    window.ids.push(id);
    const mail = inTime(arrivals.of(recipient)).then((at) => {
      if (at === null) window.missing++;
      else window.createToSentMs.push(at - started);
    });
    mails.push(mail);
    if (mode === 'complete') await mail;
    window.flows++;
  };

  const pids = app.processes.map(({ pid }) => pid());
  const before = cpuTimes(pids);
  const begin = now();
  const client = async () => {
    while (now() - begin < seconds * 1000) {
      await runFlow().catch((error: Error) => window.errors.push(error.message));
      if (window.errors.length > 100) return;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  const end = now();
  await Promise.all(mails);
  window.seconds = (end - begin) / 1000;
  window.drainSeconds = (now() - end) / 1000;
  const after = cpuTimes(pids);
  if (before && after) {
    window.cpuMs = {};
    for (const [i, { name }] of app.processes.entries())
      window.cpuMs[name] = (window.cpuMs[name] ?? 0) + (after[i] as number) - (before[i] as number);
  }
  return window;
}

function inTime(arrival: Promise<number>): Promise<number | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), MAILS_WITHIN_MS);
    void arrival.then((at) => {
      clearTimeout(timer);
      resolve(at);
    });
  });
}
