// Purge, export, replay and scan agree on what an address in a text is, whatever the example.
import pino from 'pino';
import { uuidv7 } from 'uuidv7';
import { replayLedger } from '../../activities/erasure-ledger/replay';
import { createMentionIndex } from '../../activities/mention-index';
import { addressesIn, mentionsOf } from '../../activities/personal-data/mentions';
import { createSubjects, normaliseAddress } from '../../activities/personal-data/subject';
import { scanOne, sourceOf } from '../erasure-scan/scan-one';
import { collect } from '../support/collect';
import { aDraft, SETTINGS } from '../support/commands';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { World } from '../user-erasure/races/world';
import { ADDRESS_EXAMPLES, type AddressExample } from './address-examples';

const titled = ADDRESS_EXAMPLES.map((one) => [one.isMention ? 'finds' : 'leaves', one.text, one.why, one] as const);

describe('the matcher', () => {
  it.each(titled)('%s %j: %s', async (_verb, _text, _why, { text, address, isMention }) => {
    expect(addressesIn(text).has(normaliseAddress(address))).toBe(isMention);
    const mentions = mentionsOf(address);
    const { text: left, count } = mentions.replace(text);
    expect([count > 0, left !== text, mentions.isIn(left)]).toEqual([isMention, isMention, false]);
    const { findings } = await scanOne(
      sourceOf(() => [{ place: 'here', chunks: Buffer.from(text) }]),
      address,
    );
    expect(findings > 0).toBe(isMention);
  });
});

describe('in a database', () => {
  const people = [...new Set(ADDRESS_EXAMPLES.map(({ address }) => address))];
  let temporal: TestNamespace;
  let world: World;
  let drafts: (AddressExample & { id: string })[];

  beforeAll(async () => {
    temporal = await createTestNamespace();
  });
  afterAll(() => temporal?.close());
  beforeEach(async () => {
    world = await World.create(temporal);
    drafts = [];
    for (const one of ADDRESS_EXAMPLES) {
      const { id } = await world.commands.submitDraft(world.author, aDraft({ body: one.text, confidence: 1 }));
      await world.db.draft.update({ where: { id }, data: { status: 'sent' } });
      drafts.push({ ...one, id });
    }
  });
  afterEach(async () => {
    await world?.matcher.close();
    await world?.database.drop();
  });

  const storeOf = (name: string) => {
    const store = world.stores.find((one) => one.name === name);
    if (!store) throw new Error(`There is no store ${name}`);
    return store;
  };
  /** Without each of these, one after the other. */
  const without = (text: string, addresses: string[]) =>
    addresses.reduce((left, address) => mentionsOf(address).replace(left).text, text);
  async function bodies(): Promise<Record<string, string | null>> {
    const rows = await world.db.revision.findMany({ select: { draftId: true, body: true } });
    return Object.fromEntries(rows.map(({ draftId, body }) => [draftId, body]));
  }
  const expected = () => Object.fromEntries(drafts.map(({ id, text }) => [id, without(text, people)]));

  it('the export tells of the mentions, and the purge takes exactly them out', async () => {
    const postgres = storeOf('postgres');
    for (const address of people) {
      const exported = (await collect(postgres.export(world.personOf(address)))) as { kind: string; id: string }[];
      const told = exported.map(({ id }) => id.split('/')[0]);
      for (const one of drafts.filter((draft) => draft.address === address))
        expect([one.text, told.includes(one.id)]).toEqual([one.text, one.isMention]);
    }
    for (const address of people) await postgres.purge(world.personOf(address), () => {});
    expect(await bodies()).toEqual(expected());
  });

  it('the replay of the ledger takes exactly them out', async () => {
    const subjects = createSubjects(SETTINGS.SECRET_KEY);
    for (const address of people) {
      const subject = subjects.hashesOf(address).map((hash) => Buffer.from(hash).toString('hex'));
      await world.ledger.append({ requestId: uuidv7(), subject, certifiedAt: new Date().toISOString() });
    }
    const { db, files, ledger, matcher, stores } = world;
    const index = createMentionIndex({ db, files, subjects, matcher });
    const logger = pino({ level: 'silent' });
    expect(await replayLedger({ db, files, ledger, matcher, stores, subjects, index, logger })).toBe(people.length);
    expect(await bodies()).toEqual(expected());
  });
});
