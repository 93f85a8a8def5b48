// A worker that is killed while it writes an export is followed by another, which writes all of it.
import { indexMentions } from '../support/index-mentions';
import { until } from '../support/until';
import { ExportService } from './export-service';

let service: ExportService;
beforeAll(async () => {
  service = await ExportService.create();
});
afterAll(() => service?.close());

/** As a draft is read. Asked outside of the transaction that holds the lock, which sees one moment's activity for all its life. */
const WAITS = `SELECT count(*)::int AS waiting FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%SELECT d.id, (SELECT generation%'`;

it('an export is ready once and whole, though its worker was killed in the middle', async () => {
  const email = 'ada@customer.example';
  for (let i = 0; i < 5; i++) await service.base.submitForReview(email, { body: `Letter ${i}` });
  await indexMentions(service.db, service.files);
  const id = await service.request(email);
  const holder = await service.base.database.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE revisions IN ACCESS EXCLUSIVE MODE');
    const worker = service.base.startWorker();
    await until('it reads', async () => (await service.base.database.pool.query(WAITS)).rows[0].waiting > 0, 30_000);
    await worker.kill();
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
  expect(await service.look(id)).toMatchObject({ status: 'pending' });

  service.base.startWorker();
  await service.in('ready', id, 60_000);
  const { text } = await service.content(id);
  for (let i = 0; i < 5; i++) expect(text.split(`Letter ${i}`)).toHaveLength(2);
  expect(await service.objects()).toHaveLength(1);
  expect(await service.db.auditEvent.count({ where: { type: 'person.exported' } })).toBe(1);
}, 180_000);
