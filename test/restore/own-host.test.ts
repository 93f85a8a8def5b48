// A host of an operator's own: PostgreSQL is started by a command or by hand, and the service's role is no superuser.
import { MockActivityEnvironment } from '@temporalio/testing';
import { checkCluster } from '../../activities/restore/checks';
import { restoreFiles, withCluster } from '../../activities/restore/cluster';
import { planRestore } from '../../activities/restore/plan';
import { withDatabase } from '../../activities/restore/rewound';
import { switchCluster, untilLives } from '../../activities/restore/switch';
import { livingName } from '../../ops/local/clusters';
import { isStartedByLink } from '../../ops/local/postmaster';
import { createArchivingWatch } from '../../ops/pgbackrest/archiving';
import type { StepWait } from '../../workflows/contracts/recovery-progress';
import type { RestorePlan } from '../../workflows/contracts/restore';
import { type OwnHost, startOwnHost } from '../support/recovery-host';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';
import { query } from './restoring-host';

let host: OwnHost;
let plan: RestorePlan;
beforeAll(async () => {
  host = await startOwnHost();
});
afterAll(() => host?.control('stop'));

const sql = <T extends object>(text: string) => query<T>(host.tools.settings.DATABASE_URL, text);
const generation = async () => (await sql<{ generation: number }>('SELECT generation FROM instance'))[0]?.generation;

it('refuses backups and restores while PostgreSQL runs by the link, where it would write into a restored cluster', async () => {
  host.control('stop');
  host.control('start', true);
  const { pgbackrest } = host.tools;
  const isByLink = () => isStartedByLink(host.folder);
  const look = createArchivingWatch({ query: sql, pgbackrest, isByLink, hasSets: async () => false });
  expect(await look()).toMatchObject({ state: 'stalled', reason: 'started_by_link' });
  await expect(planRestore(host.tools, { from: 'latest' })).rejects.toMatchObject({ type: 'started_by_link' });
  host.control('stop');
  host.control('start');
  expect(isByLink()).toBe(false);
});

it('archives, and proves it, for a role that is no superuser', async () => {
  expect(await sql('SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([{ rolsuper: false }]);
  const look = createArchivingWatch({ query: sql, pgbackrest: host.tools.pgbackrest, hasSets: async () => false });
  // PostgreSQL closed a segment when it was stopped, and may have archived that one already.
  const { newestSegment: before } = await look();
  await sql('SELECT pg_switch_wal()');
  await until('a newer segment was read back', async () => {
    const { state, newestSegment } = await look();
    return state === 'ok' && newestSegment !== before;
  });
});

it('is checked whole by its own superuser, and keeps nothing of the check', async () => {
  const manifest = await makeDatabaseSet(host.tools);
  await sql('SELECT pg_switch_wal()');
  plan = await planRestore(host.tools, { from: 'latest' });
  for (const name of ['data-one', 'data-two'])
    await restoreFiles(host.tools, { plan, name, label: manifest.postgres?.label ?? '' }, () => {});
  await withCluster(host.tools, 'data-one', async (url, superuserUrl) => {
    const report = await checkCluster(host.tools, { url, superuserUrl }, manifest, () => {});
    expect(report).toMatchObject({ amcheck: 'sound' });
    expect(await query(superuserUrl, `SELECT extname FROM pg_extension WHERE extname = 'amcheck'`)).toEqual([]);
  });
});

it.each([
  ['by POSTGRES_START', 'data-one', true],
  ['by hand, after it was told what to start', 'data-two', false],
])('lives again after a switch %s', async (_title, to, byCommand) => {
  const next = ((await generation()) ?? 0) + 1;
  await withCluster(host.tools, to, (url) =>
    withDatabase(url, (db) => db.instance.updateMany({ data: { generation: next } })),
  );
  const settings = { ...host.tools.settings, POSTGRES_START: byCommand ? host.startCommand : undefined };
  const tools = { ...host.tools, settings } as typeof host.tools;
  const from = livingName(host.folder);
  const told: StepWait[] = [];
  await new MockActivityEnvironment().run(async () => {
    await switchCluster(tools, { from, to }, () => {});
    const lives = untilLives(
      tools,
      { generation: next, previous: from, cluster: to },
      (news) => void (news && told.push(news)),
    );
    if (!byCommand) {
      await until('it says what to do', () => told.length > 0);
      expect(told[0]?.waitsFor).toContain(`${host.folder}/${to}`);
      host.control('start');
    }
    await lives;
  });
  if (byCommand) expect(told).toEqual([]);
  expect(await generation()).toBe(next);
});
