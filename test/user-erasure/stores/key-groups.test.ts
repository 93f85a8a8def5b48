// What an erasure does with the groups of API keys: keys from before groups were codes may name anybody.
import { createMentionIndex } from '../../../activities/mention-index';
import { createMatcher } from '../../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../../activities/personal-data/subject';
import { readMentions, replaceInTables } from '../../../activities/user-erasure/stores/postgres/mentions';
import { openObjectStore } from '../../../ops/runtime/object-store';
import { collect } from '../../support/collect';
import { createTestCommands, SETTINGS, type TestCommands } from '../../support/commands';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { newFolder } from '../../support/environment';
import { person } from './person';

const ADA = 'ada@customer.example';
const matcher = createMatcher();
afterAll(() => matcher.close());

let database: TestDatabase;
let test: TestCommands;
beforeEach(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
});
afterEach(() => database.drop());

async function keyWith(...groups: string[]): Promise<string> {
  const { id } = await test.commands.createKey(test.admin, { name: 'an approver', roles: ['approver'], groups });
  return id;
}
async function sources() {
  const { db } = database;
  const files = openObjectStore(`file://${newFolder('files')}`);
  const subjects = createSubjects(SETTINGS.SECRET_KEY);
  await createMentionIndex({ db, files, subjects, matcher }).catchUp(() => {});
  return { db, matcher };
}
const replaceGroups = async () => replaceInTables(await sources(), person(ADA), () => {});
const groupsOf = async (id: string) => (await database.db.apiKey.findUniqueOrThrow({ where: { id } })).groups;

it('replaces the mention inside a group, keeps what became the same once, and leaves other keys alone', async () => {
  const mentioning = await keyWith('legal', `team of ${ADA}`, 'team of ADA@customer.example', ADA);
  const others = await keyWith('legal', `team of l${ADA}`);
  expect(await replaceGroups()).toBe(1);
  expect(await groupsOf(mentioning)).toEqual(['legal', 'team of [erased]', '[erased]']);
  expect(await groupsOf(others)).toEqual(['legal', `team of l${ADA}`]);
  expect(await replaceGroups()).toBe(0);
});

it('replaces an address in base64, which the form of a code does not refuse', async () => {
  const id = await keyWith(Buffer.from(ADA).toString('base64url'));
  await replaceGroups();
  expect(await groupsOf(id)).toEqual(['[erased]']);
});

it('exports one item for each key that it finds', async () => {
  const id = await keyWith(`team of ${ADA}`, ADA);
  await keyWith('legal');
  expect(await collect(readMentions(await sources(), person(ADA)))).toEqual([
    { kind: 'mention', in: 'api_keys', id, fields: { groups: [`team of ${ADA}`, ADA] } },
  ]);
});

it('changes nothing while everything about the person is held', async () => {
  const id = await keyWith(ADA);
  await test.commands.placeHold(test.admin, { email: ADA, reason: 'a case' });
  expect(await replaceGroups()).toBe(0);
  expect(await groupsOf(id)).toEqual([ADA]);
});
