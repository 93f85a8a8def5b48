// Exposes to Prometheus how the audit trail fares, and counts the drafts' events as this process seals them.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DatabaseGauge } from '../../ops/runtime/database-gauges';
import { SYSTEM } from '../commands/context';
import type { EventRow } from './events';
import { isUnchecked, type Verification } from './verify';

const STATES = ['whole', 'broken', 'anchors_missing', 'key_unknown'] as const;

/** Returns a function that records a verification. The gauge is absent until the first one. */
export function observeAudit(registry: Registry): (found: Pick<Verification, 'ok' | 'reason'>) => void {
  const gauge = new Gauge({
    name: 'countersign_audit_trail',
    help: 'The outcome of the last verification by this process: 1 for its state, 0 for the others. Only `whole` is good; absent until one has ended',
    labelNames: ['state'],
    registers: [registry],
  });
  return (found) => {
    const state = found.ok ? 'whole' : isUnchecked(found) ? found.reason : 'broken';
    for (const each of STATES) gauge.set({ state: each }, Number(each === state));
  };
}

export const SEAL_GAUGES: DatabaseGauge[] = [
  {
    name: 'countersign_audit_unsealed_events',
    help: 'Positions of the audit trail that are drawn and not yet sealed; those of transactions that failed count until the next look',
    sql: `SELECT greatest(coalesce(pg_sequence_last_value('audit_events_position_seq'::regclass), 0) - settled, 0) AS value
      FROM audit_progress WHERE id = 1`,
  },
  {
    name: 'countersign_audit_anchor_lag_seconds',
    help: "0 if the trail's head is anchored under BACKUP_URL, else the time since the last anchor, or since 1970 if there is none",
    sql: `SELECT CASE WHEN (SELECT max(position) FROM audit_seals) > anchored
        THEN extract(epoch FROM clock_timestamp() - coalesce(anchored_at, to_timestamp(0)))::float8 ELSE 0 END AS value
      FROM audit_progress WHERE id = 1`,
  },
];

/** By the type of the audit event. What Countersign itself approves or rejects is policy's decision. */
const COUNTED: Record<string, string> = {
  'draft.submitted': 'submitted',
  'draft.approved': 'approved',
  'draft.changes_requested': 'changes_requested',
  'draft.rejected': 'rejected',
  'draft.expired': 'expired',
  'draft.withdrawn': 'withdrawn',
  'draft.revised': 'revised',
  'draft.released': 'released',
  'draft.sent': 'sent',
  'draft.postponed': 'postponed',
  'draft.failed': 'refused',
  'draft.parked': 'parked',
  'draft.blocked': 'blocked',
};
const BY_POLICY: Record<string, string> = { approved: 'auto_approved', rejected: 'auto_rejected' };
export const DRAFT_EVENTS = [...Object.values(COUNTED), ...Object.values(BY_POLICY)];

/**
 * Returns a function that counts sealed events. Every event is sealed once, by one process at a time, so the sum over all
 * workers counts each once, whichever process wrote it.
 */
export function countDraftEvents(registry: Registry): (sealed: readonly Pick<EventRow, 'type' | 'actorId'>[]) => void {
  const counter = new Counter({
    name: 'countersign_draft_events_total',
    help: 'What happened to drafts, as this worker sealed it in the audit trail; the sum over all workers has each event once',
    labelNames: ['event'],
    registers: [registry],
  });
  // From 0 on, or Prometheus would not see the first one.
  for (const event of DRAFT_EVENTS) counter.inc({ event }, 0);
  return (sealed) => {
    for (const { type, actorId } of sealed) {
      const event = COUNTED[type];
      if (event) counter.inc({ event: (actorId === SYSTEM.id && BY_POLICY[event]) || event });
    }
  };
}
