// The registry of releases in PostgreSQL: which one serves, which one did before, and that a repeat changes nothing.
import {
  noteCurrent,
  noteFailed,
  noteRetired,
  readCurrent,
  readPrevious,
  registerRelease,
  registerServing,
} from '../../activities/releases/registry';
import type { ReleaseDriver, Wanted } from '../../ops/releases/driver';
import type { Release } from '../../ops/releases/release';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { describeBuild } from './release-folders';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());
beforeEach(async () => {
  await database.db.release.deleteMany();
});

const register = (version: string, changes: Partial<Release> = {}) =>
  registerRelease(database.db, describeBuild(version, changes));
const states = async () => {
  const all = await database.db.release.findMany({ orderBy: { version: 'asc' } });
  return Object.fromEntries(all.map(({ version, state }) => [version, state]));
};
const previous = async () => (await readPrevious(database.db))?.version ?? null;

/** They served in this order. */
async function served(...versions: string[]): Promise<void> {
  for (const version of versions) {
    await register(version);
    await noteCurrent(database.db, version, 'draining');
  }
}

describe('a release in the registry', () => {
  it('is registered with what its build says of itself', async () => {
    const release = describeBuild('1.2.3', {
      commit: '389d07f0',
      migrations: ['20260101000000_init', '20260202000000_x'],
    });
    await registerRelease(database.db, release);
    expect(await database.db.release.findMany()).toEqual([
      {
        version: '1.2.3',
        commit: '389d07f0',
        buildId: release.buildId,
        bundleHash: release.bundleHash,
        lastMigration: '20260202000000_x',
        state: 'registered',
        registeredAt: expect.any(Date),
        registeredBy: null,
        currentSince: null,
      },
    ]);
  });

  it('is registered once, and a new build of its version keeps its state', async () => {
    await served('1.2.3');
    await register('1.2.3', { bundleHash: 'c'.repeat(64) });
    expect(await database.db.release.findMany()).toMatchObject([{ state: 'current', bundleHash: 'c'.repeat(64) }]);
  });

  it.each([
    ['a version that leads elsewhere', { version: '../x' }],
    ['a commit that is none', { commit: 'HEAD' }],
    ['a build id with a space', { buildId: 'a b' }],
    ['a hash that is cut off', { bundleHash: 'abc' }],
    ['a migration that is none', { migrations: ['init'] }],
  ])('is refused by the table with %s', async (_what, changes) => {
    await expect(registerRelease(database.db, { ...describeBuild('1.2.3'), ...changes })).rejects.toThrow();
    expect(await states()).toEqual({});
  });
});

describe('the release that serves', () => {
  it('is one: what served before drains', async () => {
    await served('1.0.0', '1.1.0');
    expect(await states()).toEqual({ '1.0.0': 'draining', '1.1.0': 'current' });
    expect((await readCurrent(database.db))?.version).toBe('1.1.0');
  });

  it('is one, by an index: PostgreSQL refuses a second', async () => {
    await served('1.0.0', '1.1.0');
    const second = database.db.release.update({ where: { version: '1.0.0' }, data: { state: 'current' } });
    await expect(second).rejects.toMatchObject({ code: 'P2002' });
  });

  it('stays as it is if it is noted again', async () => {
    await served('1.0.0', '1.1.0');
    const before = await database.db.release.findMany({ orderBy: { version: 'asc' } });
    await noteCurrent(database.db, '1.1.0', 'rolled_back');
    expect(await database.db.release.findMany({ orderBy: { version: 'asc' } })).toEqual(before);
  });

  it('is not changed by a deployment that failed, nor by the end of a drain that comes late', async () => {
    await served('1.0.0', '1.1.0');
    await noteFailed(database.db, '1.1.0');
    await noteRetired(database.db, '1.1.0');
    await noteRetired(database.db, '1.0.0');
    expect(await states()).toEqual({ '1.0.0': 'retired', '1.1.0': 'current' });
  });

  it('stays if the version that is noted is not registered', async () => {
    await served('1.0.0');
    await expect(noteCurrent(database.db, '9.9.9', 'draining')).rejects.toThrow('9.9.9 is not registered');
    expect((await readCurrent(database.db))?.version).toBe('1.0.0');
  });
});

describe('the previous release', () => {
  it('is missing before the second deployment', async () => {
    expect(await previous()).toBeNull();
    await served('1.0.0');
    expect(await previous()).toBeNull();
  });

  it('is the one that served last, drained or not, whatever its version', async () => {
    await served('1.0.0', '3.0.0', '2.0.0');
    expect(await previous()).toBe('3.0.0');
    await noteRetired(database.db, '3.0.0');
    expect(await previous()).toBe('3.0.0');
  });

  it('is not one that was rolled back, so that a second rollback goes further back', async () => {
    await served('1.0.0', '1.1.0', '1.2.0');
    await noteCurrent(database.db, '1.1.0', 'rolled_back');
    expect(await states()).toEqual({ '1.0.0': 'draining', '1.1.0': 'current', '1.2.0': 'rolled_back' });
    expect(await previous()).toBe('1.0.0');
  });

  it('is not one that was only registered, nor one whose deployment failed', async () => {
    await served('1.0.0', '1.1.0');
    await register('1.2.0');
    await noteFailed(database.db, '1.2.0');
    await register('1.3.0');
    expect(await previous()).toBe('1.0.0');
  });

  it('may be one whose deployment failed when it was to serve again', async () => {
    await served('1.0.0', '1.1.0');
    await noteFailed(database.db, '1.0.0');
    expect(await previous()).toBe('1.0.0');
  });

  it('may be one that was rolled back once and served again since', async () => {
    await served('1.0.0', '1.1.0');
    await noteCurrent(database.db, '1.0.0', 'rolled_back');
    await served('1.1.0', '1.2.0');
    expect(await previous()).toBe('1.1.0');
  });
});

describe('the release of the folder that npm start runs in', () => {
  /** @param given the releases that can be started */
  const driver = (wanted: Wanted, ...given: Release[]) =>
    ({
      wanted: async () => wanted,
      find: async (version) => given.find((one) => one.version === version) ?? null,
    }) as ReleaseDriver;
  const undeployed = (version: string): Wanted => ({
    api: version,
    trial: null,
    workers: [{ version, buildId: null }],
  });
  const registerWith = (wanted: Wanted, ...given: Release[]) =>
    registerServing({ db: database.db, driver: driver(wanted, ...given) });

  it('registers itself on a first start, once', async () => {
    for (let start = 0; start < 2; start++) await registerWith(undeployed('1.0.0'), describeBuild('1.0.0'));
    expect(await states()).toEqual({ '1.0.0': 'current' });
  });

  it('takes over from a build before the first deployment, which is then the previous one', async () => {
    await registerWith(undeployed('1.0.0'), describeBuild('1.0.0'));
    await registerWith(undeployed('1.1.0'), describeBuild('1.1.0'));
    expect(await states()).toEqual({ '1.0.0': 'retired', '1.1.0': 'current' });
    expect(await previous()).toBe('1.0.0');
  });

  it('registers the new hash of a build of the same version', async () => {
    await registerWith(undeployed('1.0.0'), describeBuild('1.0.0'));
    await registerWith(undeployed('1.0.0'), describeBuild('1.0.0', { bundleHash: 'c'.repeat(64) }));
    expect(await database.db.release.findMany()).toMatchObject([{ state: 'current', bundleHash: 'c'.repeat(64) }]);
  });

  it('leaves the registry to the deployments once there has been one', async () => {
    await served('1.0.0', '1.1.0');
    const wanted = { ...undeployed('1.2.0'), workers: [{ version: '1.2.0', buildId: '1.2.0-abcd' }] };
    await registerWith(wanted, describeBuild('1.2.0'));
    expect(await states()).toEqual({ '1.0.0': 'draining', '1.1.0': 'current' });
  });

  it('registers nothing while no API is wanted, or if the release is gone', async () => {
    await registerWith({ api: null, trial: null, workers: [] }, describeBuild('1.0.0'));
    await registerWith(undeployed('1.0.0'));
    expect(await states()).toEqual({});
  });
});
