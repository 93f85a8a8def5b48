// What the manifests run: probed as the documents say, without rights, and selected by labels that are there.
import { parse } from 'yaml';
import { readConfiguration } from '../../ops/runtime/configuration';
import {
  compose,
  container,
  GIVEN,
  objects,
  ofKind,
  ourServices,
  overlaySettings,
  pods,
  readText,
  type Tree,
} from './manifests';

const dockerfile = readText('Dockerfile');

describe('the processes', () => {
  const yaml = /```yaml\n(livenessProbe:[\s\S]*?)```/.exec(readText('docs/operations.md'))?.[1] ?? '';
  const { terminationGracePeriodSeconds: grace, ...probes } = parse(yaml);

  it.each([
    ['api', 8000, 9464],
    ['worker', 8001, 9465],
  ])('%s: is probed on its port and given its time to end, as docs/operations.md says', (name, port, metricsPort) => {
    const { livenessProbe, readinessProbe, startupProbe, ports, command } = container(name);
    const atPort = (probe: Tree) => ({ ...probe, httpGet: { ...probe.httpGet, port } });
    expect(Object.keys(probes)).toHaveLength(3);
    expect({ livenessProbe, readinessProbe, startupProbe }).toEqual(
      Object.fromEntries(Object.entries(probes).map(([kind, probe]) => [kind, atPort(probe)])),
    );
    expect(ports.map(({ containerPort }: Tree) => containerPort)).toEqual([port, metricsPort]);
    expect(command).toEqual(['node', `dist/${name}/main.js`]);
    const deployment = ofKind('Deployment').find((one) => one.metadata.name === `countersign-${name}`);
    expect(deployment.spec.template.spec.terminationGracePeriodSeconds).toBe(grace);
    expect(compose.services[name].stop_grace_period).toBe(`${grace}s`);
  });

  it('listen where the configuration says by default', () => {
    const { PORT, METRICS_PORT, WORKER_PORT, WORKER_METRICS_PORT } = readConfiguration({
      ...GIVEN,
      ...overlaySettings('minimal'),
    });
    const ports = [...container('api').ports, ...container('worker').ports].map(({ containerPort }) => containerPort);
    expect(ports).toEqual([PORT, METRICS_PORT, WORKER_PORT, WORKER_METRICS_PORT]);
  });

  it('run as a user without rights, on a file system that they only read', () => {
    for (const { spec } of pods) {
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      // Only the host of releases asks the API of Kubernetes.
      const isHost = spec.serviceAccountName === 'countersign-releases';
      expect(spec.automountServiceAccountToken).toBe(isHost);
      expect(isHost).toBe(spec.containers[0].name === 'releases');
      for (const { securityContext, resources } of spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(resources).toMatchObject({
          requests: { cpu: expect.anything() },
          limits: { memory: expect.anything() },
        });
      }
    }
    for (const service of ourServices) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect([service.user, service.privileged]).toEqual([undefined, undefined]);
    }
    expect(dockerfile.match(/^USER .*$/gm)).toEqual(['USER 1000:1000']);
  });

  it('share no more connections than the production overlay says', () => {
    const most = (name: string) =>
      ofKind('HorizontalPodAutoscaler').find((one) => one.metadata.name === name).spec.maxReplicas;
    const { DB_POOL_SIZE, DB_POOL_OVERFLOW } = overlaySettings('production');
    // During a release the API has one pod more. Beside its pool an API has its health check, a worker its listener; the scan of an
    // erasure takes two.
    const pods = most('countersign-api') + 1 + most('countersign-worker');
    const connections = pods * (Number(DB_POOL_SIZE) + Number(DB_POOL_OVERFLOW) + 1) + 2;
    expect(readText('ops/kubernetes/overlays/production/settings.env')).toContain(`at most ${connections} connections`);
    expect(readText('docs/deployment.md')).toContain(`${connections} connections`);
    expect(readText('docs/scaling.md')).toContain(`| ${connections} |`);
  });
});

describe('the cluster', () => {
  it('selects by labels that the pods have', () => {
    const labels = pods.map(({ metadata }) => metadata.labels);
    const selectors = objects.flatMap(({ spec = {} }) => [
      spec.podSelector?.matchLabels,
      spec.selector?.matchLabels ?? spec.selector,
    ]);
    const given = selectors.filter(Boolean);
    expect(given.length).toBeGreaterThan(6);
    const finds = (selector: Tree) =>
      labels.some((one) => Object.entries(selector).every(([name, value]) => one[name] === value));
    expect(given.filter((selector) => !finds(selector))).toEqual([]);
  });

  it('limits what is disrupted, reached and scaled, of API and worker alike', () => {
    const names = (kind: string) =>
      ofKind(kind)
        .map(({ metadata }) => metadata.name)
        .sort();
    expect(names('PodDisruptionBudget')).toEqual(['countersign-api', 'countersign-worker']);
    expect(names('NetworkPolicy')).toEqual([
      'countersign-api',
      'countersign-asked-by-releases',
      'countersign-nothing-else',
      'countersign-of-releases',
      'countersign-releases',
      'countersign-worker',
    ]);
    expect(
      ofKind('HorizontalPodAutoscaler')
        .map(({ spec }) => spec.scaleTargetRef.name)
        .sort(),
    ).toEqual(['countersign-api', 'countersign-worker']);
    expect(names('Deployment')).toEqual(['countersign-api', 'countersign-releases', 'countersign-worker']);
  });

  it('scales by a metric that the worker has', () => {
    const [{ external }] = ofKind('HorizontalPodAutoscaler').find(
      ({ metadata }) => metadata.name === 'countersign-worker',
    ).spec.metrics;
    expect(readText('docs/metrics.md')).toContain(`| \`${external.metric.name}\` | gauge |`);
  });
});
