// Exposes to Prometheus whether and why all mail is held.
import type { Registry } from 'prom-client';
import { observeGauge } from '../../ops/runtime/observed-gauge';

const HELD = `
  SELECT coalesce(held_code, CASE WHEN EXISTS (SELECT 1 FROM lanes WHERE held) THEN 'restore' END) AS code
  FROM instance WHERE id = 1`;

/** @param query runs one statement; it may fail or hang without harm to the scrape */
export function observeHeld(registry: Registry, query: (sql: string) => Promise<unknown[]>): void {
  observeGauge(registry, {
    name: 'countersign_mail_held',
    help: '1 while all mail is held, by reason: `restore`, or what was found about the database (docs/rewind.md). NaN if PostgreSQL does not answer',
    labelNames: ['reason'],
    read: async () => {
      const [row] = (await query(HELD)) as { code: string | null }[];
      return [{ labels: { reason: row?.code ?? 'none' }, value: row?.code ? 1 : 0 }];
    },
    unknown: [{ labels: { reason: 'unknown' }, value: Number.NaN }],
  });
}
