// A restored database begins a new life: nothing of it works before it is known what had been sent.
import { uuidv7 } from 'uuidv7';
import { recordKey, writeRecord } from '../../activities/restore/records';
import { markSent, readLife, reconcile, releaseLanes } from '../../activities/rewind';
import type { SignedStore } from '../../ops/runtime/signed-store';
import { aRestore } from '../support/restore-record';
import { TestService } from '../support/service';
import { RewoundService } from './rewound-service';

let old: TestService;
let restored: RewoundService;
let backups: SignedStore;

beforeEach(async () => {
  old = await TestService.create();
  await old.database.db.lane.update({
    where: { name: 'email' },
    data: { owner: uuidv7(), journalRun: '01a20fe3-0000-7000-8000-000000000000' },
  });
  await old.database.db.instance.update({ where: { id: 1 }, data: { temporalNamespaceId: 'a-store' } });
  await old.submitForReview('reader@example.org');
  restored = await RewoundService.cut(old);
  backups = restored.sources.backups;
});
afterEach(async () => {
  await restored?.close();
  await old?.close();
});

describe('beginNewLife', () => {
  it('holds every lane and the relay, and forgets what was to be told', async () => {
    await restored.begin();
    const lanes = await restored.db.lane.findMany();
    expect(lanes.map(({ name }) => name).sort()).toEqual(['email', 'hubspot', 'relay']);
    for (const lane of lanes) expect(lane).toMatchObject({ held: true, owner: null, journalRun: null });
    expect(await restored.db.outboxMessage.count()).toBe(0);
    expect(await old.database.db.outboxMessage.count()).toBe(1);
  });

  it('raises the generation above every one that is known', async () => {
    await writeRecord(backups, aRestore({ generation: 4 }));
    await writeRecord(backups, aRestore({ generation: 7, state: 'abandoned' }));
    expect(await restored.begin(5)).toMatchObject({ generation: 8 });
    const second = await RewoundService.cut(old);
    expect(await second.begin(12)).toMatchObject({ generation: 13 });
    await second.close();
  });

  it('begins no life while the record of another is not signed by us', async () => {
    const forged = aRestore({ generation: 2 ** 31 - 1 });
    await backups.put(recordKey(forged.id), Buffer.from(JSON.stringify(forged)));
    await expect(restored.begin()).rejects.toThrow(`${recordKey(forged.id)} under BACKUP_URL is not signed`);
    await backups.delete(recordKey(forged.id));
    expect(await restored.begin()).toMatchObject({ generation: 2 });
  });

  it('remembers what the restored database knew, and does so once', async () => {
    const last = await old.database.db.auditEvent.findFirstOrThrow({ orderBy: { position: 'desc' } });
    const life = await restored.begin();
    expect(life).toMatchObject({
      restoreId: restored.restoreId,
      generation: 2,
      knownUntil: last.at.toISOString(),
      journalRun: '01a20fe3-0000-7000-8000-000000000000',
      namespaceId: 'a-store',
    });
    expect(await restored.begin()).toEqual(life);
    expect(await readLife(restored.db)).toEqual(life);
    expect(await restored.db.instance.findMany()).toMatchObject([{ generation: 2, temporalNamespaceId: null }]);
    expect(await restored.db.auditEvent.count({ where: { type: 'restore.begun' } })).toBe(1);
  });
});

describe('the lanes', () => {
  it('stay held until the journal has been read', async () => {
    await expect(releaseLanes(restored.db)).rejects.toMatchObject({ code: 'no_new_life' });
    await restored.begin();
    await expect(restored.release()).rejects.toMatchObject({ code: 'journal_not_read' });
    await restored.mark();
    await restored.release();
    expect(await restored.db.lane.count({ where: { held: true } })).toBe(0);
    await restored.release();
    expect(await restored.db.auditEvent.count({ where: { type: 'restore.released' } })).toBe(1);
  });

  it('stay held until a reconciliation that has begun has ended', async () => {
    await restored.begin();
    await restored.mark();
    const broken = {
      ...restored.erasures,
      ledger: {
        entries: () => {
          throw new Error('away');
        },
      },
    };
    const truth = { db: old.database.db, isWhole: true };
    await expect(
      reconcile({ restored: restored.db, truth, erasures: broken as never, ...restored.sources }),
    ).rejects.toThrow('away');
    await expect(restored.release()).rejects.toMatchObject({ code: 'reconcile_unfinished' });
    await restored.reconcile();
    await restored.release();
  });

  it('once released are never marked as if nothing had been sent since', async () => {
    await restored.begin();
    await restored.mark();
    await restored.release();
    await expect(markSent({ db: restored.db, ...restored.sources })).rejects.toMatchObject({ code: 'lane_not_held' });
  });
});
