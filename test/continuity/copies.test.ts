// A copy of a database is noticed, and takes nothing from the one that lives; what was moved goes on once somebody says so.

import type { TestDatabase } from '../support/database';
import { copyTestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { oneOf } from '../support/one-of';
import { TestService } from '../support/service';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { adopt, copyInPlace, untilAtHome, untilHeld } from './adopting';

let service: TestService;
let copy: TestDatabase | null = null;
let other: TestNamespace | null = null;
beforeEach(async () => {
  service = await TestService.create();
  service.runWorker();
  const sent = await service.submitDue('first@example.org');
  await service.draftIn('sent', sent.id);
  await untilAtHome(service.database.db);
});
afterEach(async () => {
  await service.endWorkers();
  await copy?.drop();
  await other?.close();
  [copy, other] = [null, null];
  await service.close();
});

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
const ownStore = () => ({ BACKUP_URL: `file://${newFolder('other-store')}` });

const proof = oneOf(5);
proof('one that is started beside the living, with the same Temporal, takes none of its work', async () => {
  const due = await service.submitDue('due@example.org', { sendAt: inSeconds(3) });
  const beside = await copyTestDatabase(service.database);
  copy = beside;
  service.runWorker({ DATABASE_URL: beside.url });
  // By the second it is found out if the living one has claimed a mail meanwhile.
  expect(['other_database', 'behind_journal']).toContain(await untilHeld(beside.db));
  const reviews = await Promise.all(
    Array.from({ length: 12 }, (_, n) => service.submitForReview(`reader-${n}@example.org`)),
  );
  for (const review of reviews) await service.approve(review);
  for (const { id } of [due, ...reviews]) await service.draftIn('sent', id);
  expect(service.mail.repeated).toEqual([]);
  expect(await beside.db.draft.findUniqueOrThrow({ where: { id: due.id } })).toMatchObject({ status: 'scheduled' });
  expect(await adopt(beside.db, service.temporal, 'clone')).toMatchObject({
    status: 'refused',
    problem: { code: 'shares_neighbours' },
  });
  expect(await service.database.db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null });
});

proof(
  'a copy with another Temporal and the same BACKUP_URL is held, and is no clone before it has its own',
  async () => {
    const due = await service.submitDue('due@example.org', { sendAt: inSeconds(2) });
    await service.endWorkers();
    copy = await copyInPlace(service.database);
    other = await createTestNamespace();
    service.runWorker({ DATABASE_URL: copy.url, TEMPORAL_NAMESPACE: other.namespace });
    expect(await untilHeld(copy.db)).toBe('other_temporal');
    const refused = await adopt(copy.db, other, 'clone');
    expect(refused).toMatchObject({ status: 'refused', problem: { code: 'shares_neighbours' } });
    expect(refused.problem?.message).toContain('BACKUP_URL');
    await until('it would be due', () => Date.now() > Date.parse(due.sendAt ?? '') + 1_000);
    expect(service.mail.acceptedFor('due@example.org')).toEqual([]);
  },
);

proof('a clone withdraws all that would leave, ends its keys, and lives by itself from then on', async () => {
  const due = await service.submitDue('due@example.org', { sendAt: inSeconds(600) });
  const review = await service.submitForReview('review@example.org');
  await service.test.commands.createKey(service.test.admin, { name: 'an agent', roles: ['author'] });
  await service.endWorkers();
  const clone = await copyTestDatabase(service.database);
  copy = clone;
  other = await createTestNamespace();
  const environment = { DATABASE_URL: clone.url, TEMPORAL_NAMESPACE: other.namespace, ...ownStore() };
  service.runWorker(environment);
  expect(await untilHeld(clone.db)).toBe('other_database');
  const made = await adopt(clone.db, other, 'clone');
  expect(made.problem).toBeNull();
  expect(made).toMatchObject({ status: 'done', result: { withdrawn: 2, parked: 0 } });
  for (const { id } of [due, review]) {
    expect(await clone.db.draft.findUniqueOrThrow({ where: { id } })).toMatchObject({ status: 'withdrawn' });
  }
  expect(await clone.db.apiKey.count({ where: { endedAt: null } })).toBe(0);
  await service.endWorkers();
  service.runWorker(environment);
  await until('the worker works', async () => {
    const { temporalNamespaceId } = await clone.db.instance.findUniqueOrThrow({ where: { id: 1 } });
    return temporalNamespaceId !== null;
  });
  expect(await clone.db.lane.count({ where: { held: true } })).toBe(0);
  expect(await clone.db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null });
});

proof('with another Temporal everything goes on once somebody says that it was moved', async () => {
  const review = await service.submitForReview('review@example.org');
  const due = await service.submitDue('due@example.org', { sendAt: inSeconds(2) });
  await service.endWorkers();
  other = await createTestNamespace();
  const { db } = service.database;
  service.runWorker({ TEMPORAL_NAMESPACE: other.namespace });
  expect(await untilHeld(db)).toBe('other_temporal');
  await until('it would be due', () => Date.now() > Date.parse(due.sendAt ?? '') + 1_000);
  expect(service.mail.acceptedFor('due@example.org')).toEqual([]);
  expect(await adopt(db, other, 'moved')).toMatchObject({ status: 'done' });
  await service.draftIn('sent', due.id);
  await service.approve(review);
  await service.draftIn('sent', review.id);
  expect(service.mail.repeated).toEqual([]);
});

proof('one that went back in time was not just moved', async () => {
  const old = await copyInPlace(service.database);
  copy = old;
  const lost = await service.submitDue('lost@example.org');
  await service.draftIn('sent', lost.id);
  await service.endWorkers();
  service.runWorker({ DATABASE_URL: old.url });
  expect(await untilHeld(old.db)).toBe('behind_journal');
  expect(await adopt(old.db, service.temporal, 'moved')).toMatchObject({
    status: 'refused',
    problem: { code: 'rewound' },
  });
  expect(await adopt(old.db, service.temporal)).toMatchObject({ status: 'done' });
  // A second time there is nothing left to say.
  expect(await adopt(old.db, service.temporal)).toMatchObject({ status: 'refused', problem: { code: 'not_held' } });
});
