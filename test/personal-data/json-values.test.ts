// JSON is changed by value: whatever its strings and keys hold, it is valid afterwards, and all but the person is as it was.

import { createPostgresSource, createScan } from '../../activities/erasure-scan';
import { mentionsOf } from '../../activities/personal-data/mentions';
import { addressesOf, without } from '../../activities/personal-data/text-values';
import { createPostgresStore } from '../../activities/user-erasure/stores/postgres';
import { Indexing } from '../mention-index/indexing';
import { aDraft } from '../support/commands';
import { person } from '../user-erasure/stores/person';

const ADA = 'ada@customer.example';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const deep = (value: unknown, levels: number): unknown => (levels === 0 ? value : [{ in: deep(value, levels - 1) }]);

const VALUES: [name: string, value: Record<string, unknown>, left: Record<string, unknown>][] = [
  ['a line break before it', { a: `Hello\n${ADA}` }, { a: 'Hello\n[erased]' }],
  ['a quote and a backslash beside it', { a: `"\\${ADA}\\"` }, { a: '"\\[erased]\\"' }],
  ['a control character before it', { a: `\b${ADA}\u0001` }, { a: '\b[erased]\u0001' }],
  ['base64 behind a line break', { a: `\n${base64(ADA)}` }, { a: '\n[erased]=' }],
  ['JSON within JSON', { a: JSON.stringify({ to: `x\n${ADA}` }) }, { a: JSON.stringify({ to: 'x\n[erased]' }) }],
  ['an escape that was meant as text', { a: 'ada\\u0040customer.example' }, { a: '[erased]' }],
  ['a key', { [`of ${ADA}`]: 1, other: 2 }, { 'of [erased]': 1, other: 2 }],
  ['two keys that become the same', { [ADA.toUpperCase()]: 1, [ADA]: 2 }, { '[erased]': 1, '[erased] 2': 2 }],
  ['a key that becomes one that is there', { [ADA]: 1, '[erased]': 2 }, { '[erased] 2': 1, '[erased]': 2 }],
  [
    'a key that is the name of a prototype',
    JSON.parse(`{"__proto__":{"a":"${ADA}"}}`),
    JSON.parse('{"__proto__":{"a":"[erased]"}}'),
  ],
  ['deep nesting', { a: deep(`<${ADA}>`, 7) }, { a: deep('<[erased]>', 7) }],
  [
    'numbers, nothing and truths beside it',
    { a: ADA, n: 0.1, e: 1e300, no: null, yes: true, o: {}, l: [] },
    { a: '[erased]', n: 0.1, e: 1e300, no: null, yes: true, o: {}, l: [] },
  ],
];

let indexing: Indexing | undefined;
afterAll(() => indexing?.close());

it.each(VALUES)('takes a mention out of JSON: %s', (_name, value, left) => {
  const given = { kind: 'json' as const, value: JSON.stringify(value) };
  expect(addressesOf(given)).toContain(ADA);
  const changed = without(given, ADA, mentionsOf(ADA));
  expect(JSON.parse(changed as string)).toEqual(left);
  expect(without({ ...given, value: changed as string }, ADA, mentionsOf(ADA))).toBeUndefined();
});

it('reads many keys that become the same once each', () => {
  const spelled = (n: number) => [...ADA].map((one, at) => (n & (1 << at) ? one.toUpperCase() : one)).join('');
  const keys = Array.from({ length: 700 }, (_, n) => spelled(n));
  let reads = 0;
  const mentions = {
    ...mentionsOf(ADA),
    replace(text: string) {
      reads += 1;
      return mentionsOf(ADA).replace(text);
    },
  };
  const value = JSON.stringify(Object.fromEntries(keys.map((key) => [key, 1])));
  const changed = JSON.parse(without({ kind: 'json', value }, ADA, mentions) as string);
  expect([Object.keys(changed).length, reads]).toEqual([new Set(keys).size, new Set(keys).size]);
});

it('PostgreSQL takes each of them back, and the scan finds nobody in it', async () => {
  indexing = await Indexing.create();
  const { database, files, matcher, test, author } = indexing;
  const { db } = database;
  const ids: string[] = [];
  for (const [, metadata] of VALUES) ids.push((await test.commands.submitDraft(author, aDraft({ metadata }))).id);
  const store = createPostgresStore({ db, files, matcher, index: indexing.index(), deadlineHours: 72 });
  const scan = async () => {
    const [report] = await createScan([createPostgresSource(database.url)], matcher)(
      [{ email: ADA, fingerprints: [] }],
      () => {},
    );
    return report?.sources[0]?.findings ?? Number.NaN;
  };
  expect(await scan()).toBeGreaterThanOrEqual(VALUES.length);
  await store.purge(person(ADA), () => {});
  const rows = await db.draft.findMany({ where: { id: { in: ids } }, orderBy: { id: 'asc' } });
  expect(rows.map(({ metadata }) => metadata)).toEqual(VALUES.map(([, , left]) => left));
  expect(await scan()).toBe(0);
});
