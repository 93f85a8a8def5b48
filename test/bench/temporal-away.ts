// Whether commands stay as quick while Temporal is away, and what waited is sent when it is back.
import { type Aim, below } from './aims';
import type { Countersign } from './apps/countersign';
import { now } from './clock';
import { newRecipient } from './closed-loop';
import { type Percentiles, percentiles } from './percentiles';
import type { Servers } from './servers';

const CLIENTS = 4;

interface Latencies {
  submitMs: Percentiles;
  approveMs: Percentiles;
  rejectMs: Percentiles;
  errors: string[];
  approved: string[];
}

export interface TemporalAway {
  running: Omit<Latencies, 'approved'>;
  away: Omit<Latencies, 'approved'>;
  /** Of the mails approved while it was away: how many came, and how long after its return the last one. */
  sent: number;
  expected: number;
  sentWithinSeconds: number;
  repeated: number;
  aims: Aim[];
}

export async function measureTemporalAway(
  countersign: Countersign,
  servers: Servers,
  seconds: number,
  progress: (line: string) => void,
): Promise<TemporalAway> {
  await measure(countersign, 2);
  progress('with Temporal');
  const running = await measure(countersign, seconds);
  await allSent(servers, running.approved);
  progress('without Temporal');
  await servers.temporal.stop();
  const away = await measure(countersign, seconds);
  progress('Temporal is back');
  const back = now();
  await servers.startTemporalAgain();
  const sent = await allSent(servers, away.approved);
  const slower = (key: 'submitMs' | 'approveMs' | 'rejectMs') => (away[key].p50 ?? 0) / (running[key].p50 ?? 1);
  return {
    running,
    away,
    sent,
    expected: away.approved.length,
    sentWithinSeconds: (now() - back) / 1000,
    repeated: servers.arrivals.repeated,
    aims: [
      below('submit p50, away : running', slower('submitMs'), 1.25),
      below('approve p50, away : running', slower('approveMs'), 1.25),
      below('reject p50, away : running', slower('rejectMs'), 1.25),
      below('errors while away', away.errors.length, 1),
      below('mails lost', away.approved.length - sent, 1),
      below('mails sent twice', servers.arrivals.repeated, 1),
    ],
  };
}

async function measure({ people, reject }: Countersign, seconds: number): Promise<Latencies> {
  const submitMs: number[] = [];
  const approveMs: number[] = [];
  const rejectMs: number[] = [];
  const errors: string[] = [];
  const approved: string[] = [];
  const timed = async <T>(into: number[], act: () => Promise<T>) => {
    const started = now();
    const result = await act();
    into.push(now() - started);
    return result;
  };
  const end = now() + seconds * 1000;
  const client = async () => {
    while (now() < end && errors.length < 100) {
      try {
        const recipient = newRecipient('away');
        const first = await timed(submitMs, () => people.create(recipient));
        await timed(approveMs, async () => people.approve?.(first));
        approved.push(recipient);
        const second = await timed(submitMs, () => people.create(newRecipient('away')));
        await timed(rejectMs, () => reject(second));
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return {
    submitMs: percentiles(submitMs),
    approveMs: percentiles(approveMs),
    rejectMs: percentiles(rejectMs),
    errors,
    approved,
  };
}

/** How many of these mails have come, at the latest two minutes from now. */
async function allSent({ arrivals }: Servers, recipients: string[]): Promise<number> {
  let sent = 0;
  const all = Promise.all(recipients.map((one) => arrivals.of(one).then(() => sent++)));
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([all, new Promise((resolve) => (timer = setTimeout(resolve, 120_000)))]);
  clearTimeout(timer);
  return sent;
}
