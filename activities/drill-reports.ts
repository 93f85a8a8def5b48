// The reports of drills, beside the backups: each signed, and chained to the one before it, so that none can be left out.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ObjectStore } from '../ops/runtime/object-store';
import { checkJson, type Signer, signJson } from '../ops/runtime/signing';
import type { DrillReport } from '../workflows/contracts/restore-drill';
import { parse, readObject } from './audit-trail/stored-json';

export const DRILLS = 'drills/';
const stampOf = (time: string) => time.replace(/[-:.]/g, '');
const keyOf = ({ finishedAt, id }: DrillReport) => `${DRILLS}${stampOf(finishedAt)}-${id}.json`;

const Written = z.object({
  report: z.custom<DrillReport>(
    (value) => z.object({ id: z.string(), outcome: z.string(), finishedAt: z.string() }).safeParse(value).success,
  ),
  /** SHA-256 of the object before it; null for the first. */
  previous: z.string().nullable(),
  signature: z.string(),
  publicKey: z.string(),
});
export type WrittenReport = z.infer<typeof Written>;

/** Stores the report with the time of its end, and returns it. */
export async function finishReport(
  { backups, signer }: { backups: ObjectStore; signer: Signer },
  report: Omit<DrillReport, 'finishedAt'>,
): Promise<DrillReport> {
  const finished = { ...report, finishedAt: new Date().toISOString() };
  await writeReport(backups, signer, finished);
  return finished;
}

/** A repeat of the same drill's changes nothing. */
export async function writeReport(backups: ObjectStore, signer: Signer, report: DrillReport): Promise<void> {
  const keys = await listReports(backups);
  if (keys.some((key) => key.endsWith(`-${report.id}.json`))) return;
  const last = keys.at(-1);
  const before = last ? await readObject(backups, last) : null;
  const previous = before === null ? null : createHash('sha256').update(before).digest('hex');
  const signed = { report, previous, ...signJson(signer, { report, previous }) };
  await backups.put(keyOf(report), Buffer.from(`${JSON.stringify(signed, null, 2)}\n`), { type: 'application/json' });
}

/** Their keys, the oldest first. */
export async function listReports(backups: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of backups.list(DRILLS)) keys.push(key);
  return keys;
}

/** @returns null if it is damaged, forged, or signed by a key that is not in SECRET_KEY: it proves nothing then */
export async function readReport(backups: ObjectStore, signer: Signer, key: string): Promise<WrittenReport | null> {
  const found = Written.safeParse(parse((await readObject(backups, key)) ?? ''));
  if (!found.success) return null;
  const { report, previous, ...signed } = found.data;
  return checkJson(signer, { report, previous }, signed) === 'genuine' ? found.data : null;
}

/** The newest that proved a restore; null where none has. */
export async function lastProven(backups: ObjectStore, signer: Signer): Promise<DrillReport | null> {
  return (await findLastProven(backups, signer, await listReports(backups)))?.report ?? null;
}

async function findLastProven(backups: ObjectStore, signer: Signer, keys: readonly string[]) {
  for (const key of keys.toReversed()) {
    const found = await readReport(backups, signer, key);
    if (found?.report.outcome === 'PROVEN') return { key, report: found.report };
  }
  return null;
}

/**
 * Removes the reports of drills that ended before: the sets that they restored are gone. The newest stays, which the next one
 * names, and the newest that proved a restore. Returns how many were removed.
 */
export async function pruneReports(backups: ObjectStore, signer: Signer, before: Date): Promise<number> {
  const keys = await listReports(backups);
  const limit = DRILLS + stampOf(before.toISOString());
  const old = keys.slice(0, -1).filter((key) => key < limit);
  if (old.length === 0) return 0;
  const proven = await findLastProven(backups, signer, keys);
  const gone = old.filter((key) => key !== proven?.key);
  for (const key of gone) await backups.delete(key);
  return gone.length;
}
