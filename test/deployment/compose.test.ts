// ops/compose.yml without Docker: it reaches nobody outside, and its parts and the file beside it find each other.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { compose, readYaml, type Tree } from './manifests';

describe('the compose file', () => {
  const services = Object.entries(compose.services);
  const mounts = services.flatMap(([, { volumes = [] }]) => volumes.map((mount: string) => mount.split(':')));

  it('publishes ports on loopback alone, among them those that the Prometheus beside it scrapes', () => {
    const ports: string[] = services.flatMap(([, one]) => one.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    const [{ scrape_configs }] = readYaml('ops/prometheus/prometheus.yml') as [Tree];
    const scraped: string[] = scrape_configs.flatMap((job: Tree) =>
      job.static_configs.flatMap((one: Tree) => one.targets),
    );
    const published = ports.map((port) => port.split(':')[1]);
    expect(
      scraped.map((target) => target.split(':')[1]).filter((port) => Number(port) < 9470 && Number(port) > 9460),
    ).toEqual(['9464', '9465']);
    expect(published).toEqual(expect.arrayContaining(['9464', '9465']));
    // Prometheus, Alertmanager and Grafana listen there.
    expect(published.filter((port) => ['9090', '9093', '3000'].includes(port as string))).toEqual([]);
  });

  it('mounts files that are there, for reading alone, and waits for services that it has', () => {
    for (const [from = '', , mode] of mounts) {
      if (from.startsWith('./')) expect([existsSync(join(PACKAGE_ROOT, 'ops', from)), mode]).toEqual([true, 'ro']);
      else expect(Object.keys(compose.volumes)).toContain(from);
    }
    const awaited = services.flatMap(([, { depends_on = {} }]) => Object.entries(depends_on as Tree));
    for (const [name, { condition }] of awaited as [string, Tree][]) {
      expect(compose.services[name]).toBeDefined();
      if (condition === 'service_healthy') expect(compose.services[name].healthcheck).toBeDefined();
    }
  });
});
