// The driver of releases in a real cluster: Kubernetes' own API, rights and controllers, whose pods are processes here.

import type { ReleaseDriver, Running, RunningProcess } from '../../ops/releases/driver';
import { VERSION } from '../../ops/runtime/package-root';
import { type Installation, install } from '../support/kubernetes/installation';
import { writeTinyRelease } from '../support/kubernetes/tiny-release';
import { until } from '../support/until';
import { COMPONENTS, OVERLAYS } from './manifests';

jest.setTimeout(3_600_000);

const NEXT = '0.2.0-rc.1+Build.7';
const BROKEN = '0.3.0';
const unversioned = { version: VERSION, buildId: null };
const CHANGED = { settings: 'BACKUP_RETENTION_DAYS=31' };
const FIRST = { api: VERSION, trial: null, workers: [unversioned] };
const versioned = { version: NEXT, buildId: 'build-of-next' };

let installation: Installation;
let driver: ReleaseDriver;

beforeAll(async () => {
  installation = await install('of_the_cluster');
  installation.addImage(NEXT, writeTinyRelease(NEXT).folder);
  installation.addImage(BROKEN, writeTinyRelease(BROKEN, { isBroken: true }).folder);
  driver = installation.openDriver();
});
afterAll(() => installation?.stop());

const isReady = ({ url }: RunningProcess) =>
  fetch(`${url}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Waits until these releases run and no other, all of them ready. */
const untilRuns = (kind: keyof Running, ...versions: string[]): Promise<RunningProcess[]> =>
  until(`${kind}: ${versions.join(', ') || 'none'}`, async () => {
    const found = (await driver.running())[kind];
    const isExact =
      found
        .map(({ version }) => version)
        .sort()
        .join() === [...versions].sort().join();
    return isExact && (await Promise.all(found.map(isReady))).every(Boolean) ? found : null;
  });

const environmentOf = async ({ url }: RunningProcess) => (await fetch(url)).json() as Promise<Record<string, string>>;

describe('before the first deployment', () => {
  it('ends the pods that ran without the component once its own take over', async () => {
    await installation.apply({ component: false });
    const [unmanaged] = await untilRuns('api', VERSION);
    await installation.apply();
    expect(await driver.wanted()).toEqual(FIRST);
    await driver.start?.();
    await until('another API', async () => (await untilRuns('api', VERSION))[0]?.url !== unmanaged?.url);
    await untilRuns('workers', VERSION);
    await installation.kubectl('delete', 'deployment', '--selector=countersign-release');
    await until('nothing runs', async () => Object.values(await driver.running()).flat().length === 0);
  });

  it('starts no pod of the overlay by itself, and wants the release that the overlay names', async () => {
    await installation.apply();
    expect(await driver.wanted()).toEqual(FIRST);
    expect(await driver.running()).toEqual({ api: [], trial: [], workers: [] });
  });

  it('starts that release, which becomes ready on the migrated database', async () => {
    await driver.start?.();
    const [api] = await untilRuns('api', VERSION);
    const [worker] = await untilRuns('workers', VERSION);
    for (const { metrics } of [api, worker] as RunningProcess[]) expect((await fetch(metrics)).status).toBe(200);
    expect(await driver.wanted()).toEqual(FIRST);
  });
});

describe('what is wanted', () => {
  it('is a trial that no service sends requests to', async () => {
    await driver.want({ api: VERSION, trial: NEXT, workers: [unversioned] });
    await untilRuns('trial', NEXT);
    const [service] = await installation.list<{ spec: { selector: Record<string, string> } }>('services');
    const selector = Object.entries(service?.spec.selector ?? {}).map((pair) => pair.join('='));
    expect(await installation.list('pods', selector.join(','))).toHaveLength(1);
    await driver.want({ api: VERSION, trial: null, workers: [unversioned] });
    await untilRuns('trial');
  });

  it('is an API of another release, and one that is ready at every moment', async () => {
    let isDone = false;
    const gaps: number[] = [];
    const watch = (async () => {
      while (!isDone) {
        const ready = await Promise.all((await driver.running()).api.map(isReady));
        if (!ready.some(Boolean)) gaps.push(Date.now());
      }
    })();
    await driver.want({ api: NEXT, trial: null, workers: [unversioned] });
    await untilRuns('api', NEXT);
    isDone = true;
    await watch;
    expect(gaps).toEqual([]);
  });

  it('is workers of two builds side by side, each with its build id', async () => {
    const [before] = await untilRuns('workers', VERSION);
    await driver.want({ api: NEXT, trial: null, workers: [unversioned, versioned] });
    const both = await untilRuns('workers', VERSION, NEXT);
    expect(both.filter(({ version }) => version === VERSION)).toEqual([before]);
    const next = both.find(({ version }) => version === NEXT) as RunningProcess;
    expect(await environmentOf(next)).toMatchObject({ TEMPORAL_WORKER_BUILD_ID: versioned.buildId });
    await driver.want({ api: NEXT, trial: null, workers: [versioned] });
    expect(await untilRuns('workers', NEXT)).toEqual([next]);
  });

  it('is written down, and wanting it again changes nothing', async () => {
    const wanted = { api: NEXT, trial: null, workers: [versioned] };
    const state = async () => [
      await driver.running(),
      (await installation.list('deployments')).map(({ metadata }) => [metadata.name, metadata.generation]),
    ];
    const before = await state();
    await driver.want(wanted);
    await driver.start?.();
    expect(await state()).toEqual(before);
    expect(await installation.openDriver().wanted()).toEqual(wanted);
  });

  it('gets a changed setting once the host has started again', async () => {
    const [before] = await untilRuns('workers', NEXT);
    await installation.apply(CHANGED);
    await driver.start?.();
    const [after] = await until('other workers', async () => {
      const workers = await untilRuns('workers', NEXT);
      return workers[0]?.url === before?.url ? null : workers;
    });
    expect(await environmentOf(after as RunningProcess)).toMatchObject({ BACKUP_RETENTION_DAYS: '31' });
    await until(
      'another API',
      async () =>
        (await environmentOf((await untilRuns('api', NEXT))[0] as RunningProcess)).BACKUP_RETENTION_DAYS === '31',
    );
  });

  it('stays when an operator applies the overlay again', async () => {
    const before = await driver.running();
    await installation.apply(CHANGED);
    await driver.start?.();
    expect(await driver.running()).toEqual(before);
    const owners = await installation.list<{ metadata: { ownerReferences: { name: string }[] } }>('replicasets');
    expect(owners.map(({ metadata }) => metadata.ownerReferences[0]?.name)).not.toContain('countersign-api');
  });

  it('is no API for a while, and then as many as an autoscaler had set', async () => {
    await installation.kubectl('scale', 'deployment/countersign-api-current', '--replicas=3');
    await untilRuns('api', NEXT, NEXT, NEXT);
    for (let i = 0; i < 2; i++) await driver.want({ api: null, trial: null, workers: [versioned] });
    await untilRuns('api');
    await driver.want({ api: NEXT, trial: null, workers: [versioned] });
    await untilRuns('api', NEXT, NEXT, NEXT);
    await installation.kubectl('scale', 'deployment/countersign-api-current', '--replicas=1');
    await untilRuns('api', NEXT);
  });

  it('may be a release that dies: its deaths are counted, and the old API goes on', async () => {
    await driver.want({ api: BROKEN, trial: null, workers: [versioned] });
    const dying = await until('it died three times', async () => {
      const { api } = await driver.running();
      return api.find(({ version, deaths }) => version === BROKEN && deaths >= 3) && api;
    });
    expect(await Promise.all(dying.filter(({ version }) => version === NEXT).map(isReady))).toEqual([true]);
    await driver.want({ api: NEXT, trial: null, workers: [versioned] });
    await untilRuns('api', NEXT);
  });
});

describe('the manifests', () => {
  it.each(OVERLAYS)('of the overlay %s, with every component, are accepted by the cluster', async (overlay) => {
    await installation.tryOverlay(overlay, COMPONENTS);
  });
});

describe('the rights of the host', () => {
  it.each([
    ['read', 'get', 'secrets'],
    ['list', 'list', 'secrets'],
    ['change', 'patch', 'secrets'],
    ['change', 'patch', 'roles'],
    ['change other', 'patch', 'configmaps'],
    ['enter', 'create', 'pods/exec'],
  ])('do not let it %s: %s %s', async (_, verb, kind) => {
    const as = '--as=system:serviceaccount:countersign:countersign-releases';
    const answer = await installation.kubectl('auth', 'can-i', verb, kind, as).catch(({ stdout }) => stdout);
    expect(answer.trim()).toBe('no');
  });
});
