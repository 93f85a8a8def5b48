import { imageOf, versionOf, workersName } from '../../ops/releases/kubernetes/names';

const LONG = `1.2.3-${'Alpha.'.repeat(9)}1`;

describe('the image of a release', () => {
  it.each([
    ['countersign:0.1.0', '1.2.3', 'countersign:1.2.3'],
    [
      'registry.example.com:5000/team/countersign:0.1.0',
      '1.2.3+5',
      'registry.example.com:5000/team/countersign:1.2.3_5',
    ],
    ['registry.example.com:5000/countersign', '1.2.3', 'registry.example.com:5000/countersign:1.2.3'],
    [`registry.example.com/countersign:0.1.0@sha256:${'a'.repeat(64)}`, '2', 'registry.example.com/countersign:2'],
  ])('is %s with the tag of %s', (image, version, expected) => {
    expect(imageOf(version, { image })).toBe(expected);
    expect(versionOf({ image: expected })).toBe(version);
  });

  it.each(['countersign', `countersign@sha256:${'a'.repeat(64)}`, 'registry.example.com:5000/countersign'])(
    'has no version in %s',
    (image) => {
      expect(() => versionOf({ image })).toThrow(`The image ${image} has no version as its tag`);
    },
  );
});

describe('the name of the workers of a release', () => {
  const builds = ['1.2.3', '1-2-3', '1.2.3+a', '1.2.3+A', LONG, `${LONG}2`].flatMap((version) =>
    [null, 'one', 'two'].map((buildId) => ({ version, buildId })),
  );

  it('is one that Kubernetes takes for an object and a label', () => {
    for (const build of builds) expect(workersName(build)).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
  });

  it('is another one for each version and build, and always the same', () => {
    const names = builds.map(workersName);
    expect(new Set(names).size).toBe(builds.length);
    expect(builds.map(workersName)).toEqual(names);
    expect(names[0]).toMatch(/^countersign-worker-1-2-3-[0-9a-f]{8}$/);
  });
});
