// No column of the database holds a person whom no purge reaches. The columns come from PostgreSQL's catalogue, so one that
// is new fails here rather than somebody's erasure.
import { randomBytes } from 'node:crypto';
import { createPostgresSource } from '../../activities/erasure-scan';
import { scanOne } from '../erasure-scan/scan-one';
import { ErasureService } from './erasure-service';
import { plantIn, readTextColumns, type TextColumn } from './text-columns';
import { WRITERS } from './written-texts';

let service: ErasureService;
beforeAll(async () => {
  service = await ErasureService.create();
});
afterAll(() => service?.close());

const sql = (statement: string) => service.base.database.pool.query(statement);
const aPerson = () => `ada-${randomBytes(6).toString('hex')}@customer.example`;

async function purge(email: string): Promise<void> {
  for (const store of service.stores) await store.purge(service.person(email), () => {});
}
/** Returns the tables in which the scan finds them. */
async function tablesWith(email: string): Promise<string[]> {
  return (await scanOne(createPostgresSource(service.base.database.url), email)).places;
}

describe('what people write', () => {
  it.each(Object.keys(WRITERS))('names nobody after their erasure: %s', async (what) => {
    const email = aPerson();
    await WRITERS[what]?.(service, `Ask ${email} first`, email);
    if (what !== 'a file') expect(await tablesWith(email)).not.toEqual([]);
    await purge(email);
    expect(await tablesWith(email)).toEqual([]);
  });
});

const DECOY = `countersign-decoy-${'0'.repeat(24)}@example.com`;
/** Rows that a purge or the index takes away, so that there is one to copy. */
const TRANSIENT = `
  INSERT INTO mentions VALUES ('\\x00', 'notes', gen_random_uuid(), 0);
  INSERT INTO mentions_due (place, row_id, part) VALUES ('notes', gen_random_uuid(), 0);
  INSERT INTO removed_files (sha256) VALUES ('00');
  INSERT INTO scan_decoys VALUES ('ffffffff-0000-7000-8000-000000000000', E'a word\n${DECOY}',
    '{"about ${DECOY}": "a line\\n${DECOY}"}', '') ON CONFLICT DO NOTHING`;

/** Returns those that took a mention of a person, or their bare address, and kept it through the purge. */
async function withoutPurge(columns: TextColumn[]): Promise<string[]> {
  const kept: string[] = [];
  for (const one of columns) {
    for (const mention of [(email: string) => email, (email: string) => `Ask ${email} first`]) {
      const email = aPerson();
      await sql(TRANSIENT);
      if (!(await plantIn(service.base.database.pool, one, mention(email)))) continue;
      await purge(email);
      if ((await tablesWith(email)).length > 0) kept.push(`${one.table}.${one.column}`);
    }
  }
  return [...new Set(kept)];
}

describe('every column that can hold text', () => {
  /** A row for each table. No draft is open, since the copies of a draft have no revision; none is erased, since that is final. */
  beforeAll(async () => {
    for (const write of Object.values(WRITERS))
      await write(service, `Nobody ${randomBytes(6).toString('hex')}`, aPerson());
    await sql(`
      DELETE FROM drafts WHERE status = 'erased';
      UPDATE drafts SET status = 'withdrawn';
      INSERT INTO erasure_steps (erasure_id, step, started_at) SELECT id, 'postgres', now() FROM erasures LIMIT 1;
      INSERT INTO person_exports (id, status, requested_by, created_at)
        VALUES (gen_random_uuid(), 'failed', gen_random_uuid(), now());
      INSERT INTO crm_syncs (draft_id, generation, status) SELECT id, 1, 'logged' FROM drafts LIMIT 1;
      INSERT INTO failing_steps (workflow_id, step, process, service, code, is_local, attempts)
        VALUES ('erasure-1', 'takeErasureStep', 'userErasure', 'hubspot', 'hubspot_away', false, 1);
      INSERT INTO refusal_counts VALUES (now(), gen_random_uuid(), 'draft.refused', 'four_eyes', '', 1);
      INSERT INTO releases (version, commit, build_id, bundle_hash, last_migration, state)
        VALUES ('1.2.3', '389d07f0', '1.2.3-7356543b', repeat('a', 64), '20261201080000_releases', 'retired');
      INSERT INTO audit_checkpoints VALUES (0, '\\x00', 0, now(), '\\x00', 'retention');
      INSERT INTO cleanups (id, process, status, before, started_at) VALUES (gen_random_uuid(), 'draftRetention', 'done', now(), now())`);
  });

  it('loses the person by their erasure, or refuses them', async () => {
    const columns = await readTextColumns(service.base.database.pool);
    expect(columns.length).toBeGreaterThan(40);
    expect(await withoutPurge(columns)).toEqual([]);
  });

  it('is noticed where no purge knows it: a new column of text, of a list, of JSON, and a new table', async () => {
    await sql(`
      ALTER TABLE drafts ADD COLUMN remark text, ADD COLUMN labels varchar(100)[], ADD COLUMN answers jsonb;
      CREATE TABLE strangers (id uuid PRIMARY KEY, words text NOT NULL)`);
    const known = ['remark', 'labels', 'answers', 'words'];
    const isNew = ({ column }: TextColumn) => known.includes(column);
    const columns = (await readTextColumns(service.base.database.pool)).filter(isNew);
    await expect(withoutPurge(columns)).rejects.toThrow('strangers has no row that can be copied');
    await sql(`INSERT INTO strangers VALUES (gen_random_uuid(), 'nobody')`);
    expect(await withoutPurge(columns)).toEqual([
      'drafts.answers',
      'drafts.labels',
      'drafts.remark',
      'strangers.words',
    ]);
    await sql('ALTER TABLE drafts DROP COLUMN remark, DROP COLUMN labels, DROP COLUMN answers; DROP TABLE strangers');
  });
});
