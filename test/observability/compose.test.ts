// ops/compose.observability.yml without Docker: what it names is there, and its parts find each other.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../ops/dashboards';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

const OPS = join(PACKAGE_ROOT, 'ops');
const read = (...path: string[]) => parse(readFileSync(join(OPS, ...path), 'utf8'));

interface Service {
  image: string;
  network_mode: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes: string[];
}
const { services, volumes } = read('compose.observability.yml') as {
  services: Record<'prometheus' | 'alertmanager' | 'grafana', Service>;
  volumes: Record<string, null>;
};
const all = Object.values(services);
const mountsOf = ({ volumes: mounts }: Service) =>
  mounts.map((mount) => mount.split(':') as [from: string, to: string, mode?: string]);
const option = ({ command = [] }: Service, name: string) =>
  command.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);

it('names each image by one version', () => {
  expect(Object.keys(services).sort()).toEqual(['alertmanager', 'grafana', 'prometheus']);
  expect(all.filter(({ image }) => !/^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/.test(image))).toEqual([]);
});

it('mounts files that are there, and for reading alone; what changes is a named volume', () => {
  for (const [from, , mode] of all.flatMap(mountsOf)) {
    if (from.startsWith('./')) {
      expect([from, existsSync(join(OPS, from)) || from === './prometheus/secrets']).toEqual([from, true]);
      expect(mode).toBe('ro');
    } else expect(Object.keys(volumes)).toContain(from);
  }
});

it('listens on loopback alone', () => {
  const { prometheus, alertmanager, grafana } = services;
  expect([prometheus, alertmanager].map((one) => option(one, 'web.listen-address'))).toEqual([
    '127.0.0.1:9090',
    '127.0.0.1:9093',
  ]);
  expect(option(alertmanager, 'cluster.listen-address')).toBe('');
  expect(grafana.environment?.GF_SERVER_HTTP_ADDR).toBe('127.0.0.1');
});

it('Prometheus accepts its configuration with all rules, and finds Alertmanager', () => {
  const { status, stdout, stderr } = spawnSync(
    'promtool',
    ['check', 'config', join(OPS, 'prometheus', 'prometheus.yml')],
    {
      encoding: 'utf8',
    },
  );
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stdout).toContain('7 rule files found');
  const { alerting } = read('prometheus', 'prometheus.yml');
  expect(alerting.alertmanagers[0].static_configs[0].targets).toEqual([
    option(services.alertmanager, 'web.listen-address'),
  ]);
});

it('Grafana has the data source and every dashboard', () => {
  const { datasources } = read('dashboards', 'provisioning', 'datasources', 'prometheus.yml');
  expect(datasources[0]).toMatchObject({
    type: 'prometheus',
    url: `http://${option(services.prometheus, 'web.listen-address')}`,
  });
  const { providers } = read('dashboards', 'provisioning', 'dashboards', 'countersign.yml');
  const { path } = providers[0].options;
  const mounted = mountsOf(services.grafana).map(([from, to]) => `${from} ${to}`);
  for (const name of Object.keys(DASHBOARDS))
    expect(mounted).toContain(`./dashboards/${name}.json ${path}/${name}.json`);
  expect(mounted).toContain('./dashboards/provisioning /etc/grafana/provisioning');
});
