// Exports are copies: none of somebody who has been erased remains, their own or one that mentions them.
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { replayLedger } from '../../activities/erasure-ledger/replay';
import { createMentionIndex } from '../../activities/mention-index';
import { REMOVES_COPIES, removeCopies } from '../../activities/person-export/copies';
import { endExports, exportKey, sweepExports } from '../../activities/person-export/removal';
import { createMatcher } from '../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../activities/personal-data/subject';
import { NOTHING, type PersonalDataStore } from '../../activities/user-erasure/stores/store';
import { problem } from '../api/test-api';
import { refusalOf, SETTINGS } from '../support/commands';
import { ExportService } from './export-service';

let service: ExportService;
const subjects = createSubjects(SETTINGS.SECRET_KEY);
const matcher = createMatcher();
afterAll(() => matcher.close());
beforeAll(async () => {
  service = await ExportService.create();
});
afterAll(() => service?.close());

const commands = () => service.erasures.commands;
const admin = () => service.erasures.admin;
const rowOf = (id: string) => service.db.personExport.findUniqueOrThrow({ where: { id } });
const objectsOf = async (id: string) => (await service.objects()).filter((key) => key.includes(id));

/** One that tells two things, and lets something happen before each. */
const storeThat = (happens: () => Promise<unknown>): PersonalDataStore => ({
  name: 'told',
  preview: async () => NOTHING,
  purge: async () => NOTHING,
  async *export() {
    for (const item of ['one', 'two']) {
      await happens();
      yield item;
    }
  },
});
const write = (id: string, store: PersonalDataStore) =>
  new MockActivityEnvironment().run(service.activities([store]).writeExport, id);

describe('an export of who is being erased', () => {
  const setStatus = (id: string, status: string) => service.db.erasure.update({ where: { id }, data: { status } });

  it.each(['erasing', 'scanning'])('is refused while that is %s', async (status) => {
    const email = `${status}@customer.example`;
    const { requestId } = await service.erasures.request(email);
    await setStatus(requestId, status);
    const asked = await service.api.admin.post('/api/gdpr/exports').send({ email });
    expect(asked.body).toEqual(problem('wrong-state', 409));
    expect(await refusalOf(commands().requestExport(admin(), { email: email.toUpperCase() }))).toBe('wrong_state');
    await setStatus(requestId, 'suspended');
    expect((await commands().requestExport(admin(), { email })).status).toBe('pending');
    await service.db.erasure.update({ where: { id: requestId }, data: { endedAt: new Date() } });
  });

  it('writes nothing once it has ended, whatever it has read by then', async () => {
    const email = 'ended-meanwhile@customer.example';
    const { id } = await commands().requestExport(admin(), { email });
    let reads = 0;
    const store = storeThat(async () => {
      if (++reads === 2) await endExports(service.db, service.erasures.person(email).hashes);
    });
    expect(await write(id, store)).toMatchObject({ status: 'erased' });
    expect(await rowOf(id)).toMatchObject({ status: 'erased', sealed: null, subjectHashes: [], object: null });
    expect(await objectsOf(id)).toEqual([]);
    expect(await service.db.auditEvent.count({ where: { type: 'person.exported', requestId: id } })).toBe(0);
  });
});

it('an export that an erasure has overtaken begins again, since it may mention who is gone', async () => {
  const { requestId } = await service.erasures.request('overtakes@customer.example');
  const { id } = await commands().requestExport(admin(), { email: 'overtaken@customer.example' });
  let reads = 0;
  const store = storeThat(async () => {
    if (++reads !== 2) return;
    const step = { erasureId: requestId, step: REMOVES_COPIES as string };
    await service.db.$executeRaw`
      INSERT INTO erasure_steps (erasure_id, step, started_at) VALUES (${step.erasureId}::uuid, ${step.step}, clock_timestamp())`;
  });
  expect(await write(id, store)).toMatchObject({ status: 'ready' });
  expect(reads).toBe(4);
  expect(await rowOf(id)).toMatchObject({ items: 2 });
  expect(await objectsOf(id)).toHaveLength(1);
});

it('a ready export that nobody can read any more holds up no erasure, and ends', async () => {
  const nobody = () => storeThat(async () => {});
  const ids: string[] = [];
  for (const email of ['damaged@customer.example', 'old-key@customer.example', 'fine@customer.example']) {
    const { id } = await commands().requestExport(admin(), { email });
    await write(id, nobody());
    ids.push(id);
  }
  const [damaged = '', oldKey = '', fine = ''] = ids;
  const [object = ''] = await objectsOf(damaged);
  await service.files.put(object, Buffer.alloc(1_000, 7));
  await service.db.personExport.update({ where: { id: oldKey }, data: { sealed: Buffer.alloc(100, 7) } });
  const dependencies = { db: service.db, files: service.files, subjects, matcher };
  await removeCopies(dependencies, service.erasures.person('ada@customer.example'), () => {});
  const statuses = await Promise.all(ids.map(async (id) => (await rowOf(id)).status));
  expect(statuses).toEqual(['erased', 'erased', 'ready']);
  expect(await Promise.all([damaged, oldKey, fine].map(objectsOf))).toMatchObject([[], [], [expect.any(String)]]);
});

it('an export that a restore has brought back ends with the ledger, whether or not anything else names the person', async () => {
  const email = 'back-again@customer.example';
  const { db } = service;
  const { id } = await commands().requestExport(admin(), { email });
  const { BACKUP_URL = '' } = service.base.environment;
  const ledger = openLedger({ BACKUP_URL, SECRET_KEY: SETTINGS.SECRET_KEY });
  const subject = service.erasures.person(email).hashes.map((hash) => Buffer.from(hash).toString('hex'));
  await ledger.append({ requestId: uuidv7(), subject, certifiedAt: new Date().toISOString() });
  const { stores } = service.erasures;
  const { files } = service;
  const index = createMentionIndex({ db, files, subjects, matcher });
  await replayLedger({ db, files, ledger, subjects, stores, matcher, index, logger: service.api.logger });
  expect(await rowOf(id)).toMatchObject({ status: 'erased', sealed: null, subjectHashes: [] });
});

it('the sweep removes what a late attempt has left, and nothing that is or may become somebody’s', async () => {
  const [pending, ready] = [
    await commands().requestExport(admin(), { email: 'pending@customer.example' }),
    await commands().requestExport(admin(), { email: 'ready@customer.example' }),
  ];
  await write(
    ready.id,
    storeThat(async () => {}),
  );
  const [own = ''] = await objectsOf(ready.id);
  const underWay = exportKey(pending.id, randomUUID());
  const late = [exportKey(ready.id, randomUUID()), exportKey(uuidv7(), randomUUID())];
  for (const key of [underWay, ...late]) await service.files.put(key, Buffer.from('noise'));
  await sweepExports(service.db, service.files);
  const left = await service.objects();
  expect(left).toEqual(expect.arrayContaining([own, underWay]));
  for (const key of late) expect(left).not.toContain(key);
});

it('an erasure removes the person’s exports and those that mention them, and no other', async () => {
  const ada = 'ada@customer.example';
  service.base.runWorker();
  await service.base.submitForReview(ada);
  await service.base.submitForReview('bob@customer.example', { body: `Ask Ada%40customer.example` });
  await service.base.submitForReview('carol@customer.example', { body: 'Ask nobody' });
  const ids = {
    ada: await service.request(ada),
    bob: await service.request('bob@customer.example'),
    carol: await service.request('carol@customer.example'),
  };
  for (const id of Object.values(ids)) await service.in('ready', id);
  const erasure = await service.erasures.erase(ada);
  expect(erasure.status).toBe('certified');
  expect(await service.look(ids.ada)).toMatchObject({ status: 'erased' });
  expect(await service.look(ids.bob)).toMatchObject({ status: 'erased' });
  expect(await service.look(ids.carol)).toMatchObject({ status: 'ready' });
  expect([...(await objectsOf(ids.ada)), ...(await objectsOf(ids.bob))]).toEqual([]);
  expect((await service.content(ids.ada)).body).toEqual(problem('erased', 410));
  expect((await service.content(ids.carol)).status).toBe(200);

  const again = await service.request('bob@customer.example');
  await service.in('ready', again);
  expect((await service.content(again)).text).toContain('Ask [erased]');
  const gone = await service.request(ada);
  expect(await service.in('ready', gone)).toMatchObject({ items: 0 });
});
