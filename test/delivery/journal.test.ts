// What may have been sent is written where no restore of the database rewinds it, before it is sent.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { journalKey } from '../../activities/lane/journal';
import { openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
});
afterAll(() => service?.close());

const backups = () => openObjectStore(service.environment.BACKUP_URL as string);
const journals = () => collect(backups().list('journal/'));
const claimsIn = async (key: string) => {
  const text = await readFile(fileURLToPath(`${service.environment.BACKUP_URL}/${key}`), 'utf8');
  return JSON.parse(text.split('\n', 1)[0] as string) as {
    lane: string;
    runId: string;
    complete: boolean;
    claims: { at: string; ids: string[] }[];
  };
};

it('keeps the claims of a run that has ended as one object beside the backups', async () => {
  service.runWorker();
  const drafts = await Promise.all(Array.from({ length: 12 }, (_, i) => service.submitDue(`reader-${i}@example.org`)));
  for (const { id } of drafts) await service.draftIn('sent', id);
  const { runId } = await service.lane.describe();
  expect(await journals()).toEqual([]);
  await service.endWorkers();
  service.runWorker();
  await until('the journal is written', async () => (await journals()).length > 0);
  expect(await journals()).toEqual([journalKey('email', runId)]);
  const journal = await claimsIn(journalKey('email', runId));
  expect(journal).toMatchObject({ lane: 'email', runId, complete: true });
  expect(journal.claims.flatMap(({ ids }) => ids).sort()).toEqual(drafts.map(({ id }) => id).sort());
});

it('leaves no object of a run that claimed nothing', async () => {
  const before = await journals();
  const { runId } = await service.lane.describe();
  await service.endWorkers();
  service.runWorker();
  await until('the lane goes on in a new run', async () => (await service.lane.describe()).runId !== runId);
  const { id } = await service.submitDue('later@example.org');
  await service.draftIn('sent', id);
  expect(await journals()).toEqual(before);
});

it('says that the claims of a run are not known where Temporal has lost it', async () => {
  const lost = '01a20fe3-0000-7000-8000-000000000000';
  await service.endWorkers();
  await service.database.db.lane.update({ where: { name: 'email' }, data: { journalRun: lost } });
  service.runWorker();
  await until('the gap is written down', async () => (await journals()).includes(journalKey('email', lost)));
  expect(await claimsIn(journalKey('email', lost))).toMatchObject({ complete: false, claims: [] });
});
