// Measures the lane as a worker runs it, journal and heartbeats included, while nothing else happens.
import type pg from 'pg';
import { until } from '../../support/until';
import type { Countersign } from '../apps/countersign';
import { now } from '../clock';
import { cpuTimes } from '../process-numbers';
import type { Servers } from '../servers';
import { withClient } from './client';
import { copyDraft } from './copies';
import type { Fleet } from './fleet';

const MAILS = 3_000;

export interface WholeLane {
  mails: number;
  perSecond: number;
  /** Signals that journal claims, a mail. */
  claimsPerMail: number;
  /** By process, a mail. */
  cpuMs: Record<string, number>;
}

/** @param template a sent draft */
export function measureWholeLane(
  { databaseUrl }: Countersign,
  template: string,
  fleet: Fleet,
  servers: Servers,
): Promise<WholeLane> {
  return withClient(databaseUrl, (client) => measure(client, template, fleet, servers));
}

async function measure(client: pg.Client, template: string, fleet: Fleet, { arrivals }: Servers): Promise<WholeLane> {
  const claims = async () =>
    Number((await client.query("SELECT claims FROM lanes WHERE name = 'email'")).rows[0]?.claims ?? 0);
  await copyDraft(client, template, MAILS, 1);
  await until('the copies are indexed', async () => {
    return (await client.query('SELECT 1 FROM mentions_due LIMIT 1')).rows.length === 0;
  });
  const size = { apis: 1, workers: 1 };
  await fleet.resize(size);
  const processes = fleet.processes(size);
  const pids = processes.map(({ pid }) => pid());
  const [begin, claimed] = [arrivals.total, await claims()];
  await client.query("UPDATE drafts SET next_attempt_at = now() WHERE status = 'scheduled'");
  await arrivals.reaches(begin + 1);
  const [begun, before] = [now(), cpuTimes(pids)];
  await arrivals.reaches(begin + MAILS);
  const seconds = (now() - begun) / 1_000;
  const after = cpuTimes(pids);
  const claimsPerMail = ((await claims()) - claimed) / MAILS;
  const cpuMs = Object.fromEntries(
    processes.map(({ name }, i) => [name, ((after?.[i] ?? Number.NaN) - (before?.[i] ?? 0)) / MAILS]),
  );
  return { mails: MAILS, perSecond: MAILS / seconds, claimsPerMail, cpuMs };
}
