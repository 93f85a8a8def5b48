// The way of an emergency: a release with a migration is rolled out, proves broken, and one command brings the release
// before it back, with every draft that was under way.
import { join } from 'node:path';
import { until } from '../support/until';
import { makeNextRelease } from './next-release';
import { ReleaseInstallation } from './release-installation';

jest.setTimeout(900_000);

const PROMISED_SECONDS = 60;
/** It answers 500 to every new draft, and to nothing else: its start and its probes do not show it. */
const BROKEN = {
  'api/app.ts': [
    [
      '  app.use(resources.router);',
      "  app.post('/api/drafts', () => {\n    throw new Error('broken');\n  });\n  app.use(resources.router);",
    ],
  ] as [string, string][],
};

let installation: ReleaseInstallation;
let first: string;
let next: string;
beforeAll(async () => {
  installation = await ReleaseInstallation.start();
  ({ first } = installation);
  next = await makeNextRelease(installation.folder, `${installation.folder}-next`, {
    version: '99.0.0',
    column: 'colour',
    changes: BROKEN,
  });
});
afterAll(() => installation?.stop());

const states = async () =>
  Object.fromEntries(
    (await installation.query('SELECT version, state FROM releases')).map(({ version, state }) => [version, state]),
  );

it('rolls a broken release back in a minute, and every draft under way goes out once', async () => {
  const before = await installation.submit('before@customer.example');
  const [during, after] = [
    await installation.submit('during@customer.example'),
    await installation.submit('after@customer.example'),
  ];
  await installation.approve(before);
  await installation.untilSent(before);
  const schema = await installation.readSchema();

  const deployed = await installation.done('deploy', '99.0.0', '--from', next);
  expect(deployed).toMatchObject({ status: 'done', result: { serving: '99.0.0', drained: true } });
  expect(await installation.version()).toBe('99.0.0');
  expect(await states()).toEqual({ [first]: 'retired', '99.0.0': 'current' });
  expect(await installation.readSchema()).not.toBe(schema);

  // What had begun on the release before goes on.
  await installation.approve(during);
  await installation.untilSent(during);
  // The alarm.
  const broken = await installation.call('POST', '/api/drafts', 'author', {});
  expect(broken.status).toBe(500);

  const begun = Date.now();
  const rolledBack = await installation.done('rollback', '--yes', '--reason', '500s on every new draft');
  const seconds = (Date.now() - begun) / 1000;
  console.log(`Rolled back in ${seconds.toFixed(1)} s`);
  expect(rolledBack).toMatchObject({ status: 'done', result: { serving: first, plan: { sent: 1 } } });
  expect(rolledBack.result.plan.migrations).toEqual([
    {
      migration: '29991231000000_colour',
      drops: [{ table: 'drafts', column: 'colour', rows: 0 }],
      deletes: [],
    },
  ]);
  expect(seconds).toBeLessThan(PROMISED_SECONDS);

  expect(await installation.isReady()).toBe(true);
  expect(await installation.version()).toBe(first);
  expect(await installation.readSchema()).toBe(schema);
  expect(await states()).toEqual({ [first]: 'current', '99.0.0': 'rolled_back' });
  await installation.approve(after);
  await installation.untilSent(after);
  const fresh = await installation.submit('fresh@customer.example');
  await installation.approve(fresh);
  await installation.untilSent(fresh);
  const names = ['before', 'during', 'after', 'fresh'];
  expect(installation.mails()).toEqual(Object.fromEntries(names.map((name) => [`${name}@customer.example`, 1])));
  expect(installation.logs()).not.toMatch(/NonDeterminism|Nondeterminism/);
  const notes = await installation.call('GET', '/api/circuit-breakers/notes?service=releases', 'admin');
  expect(notes.body.items.map((note: { text: string }) => note.text)).toEqual(['500s on every new draft']);
});

it('refuses to roll back again, since no release served before', async () => {
  const { code, stdout } = await installation.command('rollback', '--yes', '--json');
  expect([code, JSON.parse(stdout)]).toMatchObject([
    3,
    { status: 'refused', problem: { code: 'no_previous_release' } },
  ]);
});

it('serves the release that was rolled back to after a restart of everything', async () => {
  expect(installation.own.read(join('releases', 'current.json'))).toMatchObject({ api: first });
  await installation.own.stop();
  await installation.own.start();
  expect(await installation.version()).toBe(first);
  installation.own.demo();
});

describe('a release whose workflows take a step that the release before does not know', () => {
  let draft: string;
  beforeAll(async () => {
    const sources = await makeNextRelease(installation.folder, `${installation.folder}-patched`, {
      version: '99.1.0',
      changes: {
        'workflows/draft-approval.ts': [
          ['  condition,\n', '  condition,\n  patched,\n'],
          [
            '  setHandler(state, () => known.draft);',
            "  setHandler(state, () => known.draft);\n  patched('next-release');",
          ],
        ],
      },
    });
    await installation.done('deploy', '99.1.0', '--from', sources);
    draft = await installation.submit('patched@customer.example');
    await until('its workflow waits for a decision', async () => {
      const temporal = await installation.openTemporal();
      try {
        // The relay starts it in a moment.
        const history = await temporal.workflow
          .getHandle(`draft-${draft}`)
          .fetchHistory()
          .catch(() => null);
        return history?.events?.some(({ markerRecordedEventAttributes }) => markerRecordedEventAttributes);
      } finally {
        await temporal.connection.close();
      }
    });
  });

  it('is not taken back while such a run is open, and is afterwards', async () => {
    const refused = await installation.command('rollback', '--yes', '--json');
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      3,
      { status: 'refused', problem: { code: 'cannot_replay' } },
    ]);
    expect(JSON.parse(refused.stdout).problem.message).toContain(`draft-${draft}`);
    expect(await installation.version()).toBe('99.1.0');

    await installation.approve(draft);
    await installation.untilSent(draft);
    await installation.done('rollback', '--yes');
    expect(await installation.version()).toBe(first);
  });
});
