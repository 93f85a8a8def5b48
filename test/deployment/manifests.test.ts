// The manifests are complete, name versions, and give settings that exist. No cluster is needed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration } from '../../ops/runtime/configuration';
import { PACKAGE_ROOT, VERSION } from '../../ops/runtime/package-root';
import {
  COMPONENTS,
  compose,
  container,
  containers,
  GIVEN,
  interpolated,
  KUBERNETES_FILES,
  KUSTOMIZATIONS,
  namedBy,
  OVERLAYS,
  ofKind,
  ourServices,
  overlaySettings,
  readText,
  readYaml,
  type Tree,
} from './manifests';

const dockerfile = readText('Dockerfile');
/** Exactly what docs/configuration.md lists, which another test sees to. */
const SETTINGS = [...readText('.env.example').matchAll(/^# ([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name);
const [secretsLine = ''] = /- \*\*Secrets\*\*:[^.]*/.exec(readText('docs/configuration.md')) ?? [];
const SECRETS = [...[...secretsLine.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name), 'AWS_SECRET_ACCESS_KEY'];
/** Of the other servers of the compose file. */
const OF_SERVERS = ['COUNTERSIGN_DB_PASSWORD', 'POSTGRES_PASSWORD', 'TEMPORAL_DB_PASSWORD'];

describe('the files', () => {
  it('are all YAML, and each is named by a kustomization that finds it', () => {
    expect(KUBERNETES_FILES.map((path) => readYaml(path).length).every((documents) => documents > 0)).toBe(true);
    const named = KUSTOMIZATIONS.flatMap(namedBy);
    expect(named.filter((path) => !existsSync(join(PACKAGE_ROOT, path)))).toEqual([]);
    const starts = [...OVERLAYS.map((name) => `overlays/${name}`), ...COMPONENTS.map((name) => `components/${name}`)];
    const expected = KUBERNETES_FILES.filter(
      (path) => !starts.some((start) => path.endsWith(`${start}/kustomization.yaml`)),
    );
    expect([...new Set(named)].filter((path) => path.endsWith('.yaml')).sort()).toEqual(expected);
  });

  it('name each image by one version, ours by that of this release', () => {
    const ofOverlays = OVERLAYS.map(
      (name) => readYaml(`ops/kubernetes/overlays/${name}/kustomization.yaml`)[0].images[0],
    );
    const images: string[] = [...containers, ...Object.values(compose.services)].map(({ image }) => image);
    const [, base = ''] = /^ARG BASE=(.*)$/m.exec(dockerfile) ?? [];
    expect([...images, base].filter((image) => !/^[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?$/.test(image))).toEqual([]);
    const ours = images.filter((image) => image.startsWith('countersign'));
    // The host of releases has kubectl besides.
    expect(new Set(ours)).toEqual(new Set([`countersign:${VERSION}`, `countersign-releases:${VERSION}`]));
    expect(ours.filter((image) => image.startsWith('countersign-releases'))).toEqual([container('releases').image]);
    expect(ours).toHaveLength(containers.length + ourServices.length);
    expect(ofOverlays.map(({ newTag }) => newTag)).toEqual(OVERLAYS.map(() => VERSION));
  });
});

describe('the settings', () => {
  it('exist, all of them', () => {
    const ofImage = [...dockerfile.matchAll(/^ENV (.*)$/gm)].flatMap(
      ([, line = '']) => line.match(/[A-Z_]+(?==)/g) ?? [],
    );
    const given = containers.flatMap(({ env = [] }) => env.map(({ name }: Tree) => name));
    const used = [
      // Node's own.
      ...ofImage.filter((name) => name !== 'NODE_ENV'),
      ...given,
      ...OVERLAYS.flatMap((name) => Object.keys(overlaySettings(name))),
      ...ourServices.flatMap(({ environment }) => Object.keys(environment)),
    ];
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((name) => !SETTINGS.includes(name))).toEqual([]);
    const asked = interpolated(readText('ops/compose.yml')).filter((name) => !OF_SERVERS.includes(name));
    expect(asked.filter((name) => !SETTINGS.includes(name))).toEqual([]);
  });

  it.each(OVERLAYS)('of the overlay %s are valid once the secrets are given', (overlay) => {
    const { POSTGRES_KEPT_BY } = readConfiguration({ ...overlaySettings(overlay), ...GIVEN });
    expect(POSTGRES_KEPT_BY).toBe('provider');
  });

  it('of the compose file are valid once the environment is given', () => {
    const example = { ...GIVEN, ...overlaySettings('minimal'), COUNTERSIGN_DB_PASSWORD: '0a1b' } as Record<
      string,
      string
    >;
    const fill = (value: string) =>
      value.replace(
        /\$\{([A-Z0-9_]+):([?-])[^}]*\}/g,
        (_, name, kind) => example[name] ?? (kind === '-' ? '' : `no ${name}`),
      );
    for (const { environment } of ourServices) {
      const filled = Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, fill(String(value))]),
      );
      expect(readConfiguration(filled).DATABASE_URL).toContain('0a1b@postgres:5432');
    }
  });

  it('hold no secret: a manifest names where it is, and compose refuses to start without it', () => {
    expect(SECRETS.length).toBeGreaterThan(8);
    const inClear = OVERLAYS.flatMap((name) => Object.keys(overlaySettings(name)));
    expect(inClear.filter((name) => SECRETS.includes(name))).toEqual([]);
    expect(ofKind('Secret')).toEqual([]);
    for (const name of ['api', 'worker', 'releases']) {
      expect(container(name).envFrom).toContainEqual({ secretRef: { name: 'countersign-secrets' } });
      const env: Tree[] = container(name).env ?? [];
      expect(env.filter((one) => one.name !== 'RELEASES_DRIVER')).toEqual([]);
    }
    expect(container('migrate').env.map(({ valueFrom }: Tree) => valueFrom.secretKeyRef.key)).toEqual(['DATABASE_URL']);
    const written = Object.values(compose.services).flatMap(({ environment = {} }) => Object.entries(environment));
    const secret = written.filter(([name]) =>
      [...SECRETS, ...OF_SERVERS, 'SQL_PASSWORD', 'POSTGRES_PWD'].includes(name),
    );
    const without = secret.filter(
      ([name, value]) => name !== 'REDIS_URL' && !/\$\{[A-Z0-9_]+:[?-]/.test(String(value)),
    );
    expect(without).toEqual([]);
    expect(readText('ops/compose.yml')).not.toMatch(/\$\{[A-Z0-9_]*(PASSWORD|PASSPHRASE|SECRET_KEY):-/);
  });
});
