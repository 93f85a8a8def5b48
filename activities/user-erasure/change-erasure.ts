// The one way an erasure changes: its row is locked, a rule is asked, row, audit event and message are written together.
import type { Database, Prisma } from '../../prisma/client';
import { recordEvent } from '../commands/audit';
import type { CommandContext } from '../commands/context';
import { writeMessage } from '../outbox/outbox';
import { type ErasureRecord, readErasure, toState } from './erasure-record';

export interface ErasureChange {
  data: Prisma.ErasureUpdateInput;
  /** The audit event: a type and codes. */
  event: string;
  codes?: Record<string, unknown>;
  /** What else belongs to it, in the same transaction. */
  alongside?: (tx: Database) => Promise<void>;
}

/** Null: nothing to change. Throws Refusal. */
export type ErasureRule = (record: ErasureRecord) => ErasureChange | null;

export const changeErasure = (db: Database, context: CommandContext, id: string, rule: ErasureRule) =>
  db.$transaction((tx) => changeErasureWithin(tx as Database, context, id, rule));

/** In the caller's transaction. Null: there is no such erasure (a restore of the database may have undone it). */
export async function changeErasureWithin(
  tx: Database,
  context: CommandContext,
  id: string,
  rule: ErasureRule,
): Promise<ErasureRecord | null> {
  const record = await readErasure(tx, id, { lock: true });
  if (!record) return null;
  const change = rule(record);
  return change ? write(tx, context, id, change) : record;
}

async function write(
  tx: Database,
  context: CommandContext,
  id: string,
  { data, event, codes, alongside }: ErasureChange,
): Promise<ErasureRecord> {
  await tx.erasure.update({ where: { id }, data: { ...data, version: { increment: 1 } } });
  await recordEvent(tx, context, { type: event, subject: 'erasure', subjectId: id, data: codes });
  await alongside?.(tx);
  const changed = (await readErasure(tx, id)) as ErasureRecord;
  await writeMessage(tx, { process: 'userErasure', entityId: id, state: toState(changed) });
  return changed;
}
