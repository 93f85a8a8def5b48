// Exposes to Prometheus the drafts that are still to come to an end: by status, and how long people let them wait.
import type { DatabaseGauge } from '../ops/runtime/database-gauges';

/** Far more than people can decide in a day: reading this many of each status or age says enough. */
const AT_MOST = 10_000;
const OPEN = ['pending_review', 'changes_requested', 'approved', 'scheduled', 'sending'];
const PARKED = `status = 'failed' AND outcome = 'unknown'`;
/** By the time of submission. The first has no lower bound, the last no upper one. */
const AGES = [
  { age: 'under_1h', from: '1 hour', to: null },
  { age: '1h_to_1d', from: '1 day', to: '1 hour' },
  { age: '1d_to_3d', from: '3 days', to: '1 day' },
  { age: 'over_3d', from: null, to: '3 days' },
];

const count = (condition: string) =>
  `(SELECT count(*) FROM (SELECT 1 FROM drafts WHERE ${condition} LIMIT ${AT_MOST}) d)`;
const ago = (interval: string) => `now() - interval '${interval}'`;
const waiting = ({ from, to }: (typeof AGES)[number]) =>
  [
    `status = 'pending_review'`,
    ...(from ? [`created_at > ${ago(from)}`] : []),
    ...(to ? [`created_at <= ${ago(to)}`] : []),
  ].join(' AND ');

export const DRAFT_GAUGES: DatabaseGauge[] = [
  {
    name: 'countersign_drafts',
    help: `Drafts by status, of those that have not come to an end; parked: a person must say whether it was sent. ${AT_MOST} stands for that many or more`,
    labelNames: ['status'],
    known: [...OPEN, 'parked'].map((status) => ({ status })),
    sql: [
      ...OPEN.map((status) => `SELECT '${status}' AS status, ${count(`status = '${status}'`)} AS value`),
      `SELECT 'parked', ${count(PARKED)}`,
    ].join(' UNION ALL '),
  },
  {
    name: 'countersign_approvals_waiting',
    help: `Drafts that wait for a decision, by the time since their submission. ${AT_MOST} stands for that many or more`,
    labelNames: ['age'],
    known: AGES.map(({ age }) => ({ age })),
    sql: AGES.map((one) => `SELECT '${one.age}' AS age, ${count(waiting(one))} AS value`).join(' UNION ALL '),
  },
  {
    name: 'countersign_approval_oldest_seconds',
    help: 'Time since the submission of the draft that has waited longest for a decision, 0 if none waits',
    sql: `SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS value
      FROM drafts WHERE status = 'pending_review'`,
  },
];
