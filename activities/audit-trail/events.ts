// Events as they are read for the chain.
import { Prisma } from '../../prisma/client';
import type { AuditRecord } from './canonical';

export interface EventRow extends Omit<AuditRecord, 'position' | 'at'> {
  position: bigint;
  at: Date;
}

/** Of `audit_events e`: what an EventRow is made of. */
export const EVENT = Prisma.sql`e.position, e.id, e.type, e.at, e.actor_id AS "actorId", e.subject, e.subject_id AS "subjectId",
  e.revision, e.request_id AS "requestId", e.data`;

export function toRecord(row: EventRow): AuditRecord {
  const { id, type, actorId, subject, subjectId, revision, requestId, data } = row;
  const position = String(row.position);
  return { position, id, type, at: row.at.toISOString(), actorId, subject, subjectId, revision, requestId, data };
}
