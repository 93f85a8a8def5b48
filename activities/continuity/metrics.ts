// Exposes to Prometheus whether and why all mail is held.
import type { DatabaseGauge } from '../../ops/runtime/database-gauges';

export const HELD_GAUGE: DatabaseGauge = {
  name: 'countersign_mail_held',
  help: '1 while all mail is held, by reason: `restore`, or what was found about the database (docs/rewind.md). NaN if PostgreSQL does not answer',
  labelNames: ['reason'],
  known: [{ reason: 'unknown' }],
  sql: `SELECT coalesce(code, 'none') AS reason, (code IS NOT NULL)::int AS value FROM (
      SELECT coalesce(held_code, CASE WHEN EXISTS (SELECT 1 FROM lanes WHERE held) THEN 'restore' END) AS code
      FROM instance WHERE id = 1) held`,
};
