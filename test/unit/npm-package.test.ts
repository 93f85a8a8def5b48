// What `npm pack` would hand out: never a part of the service, which is deployed as an image or from a clone.
import { execFileSync } from 'node:child_process';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

/** npm always adds these. A client of the API is to come beside them. */
const HANDED_OUT = /^(LICENSE|README\.md|package\.json|dist\/api\/client\/.+)$/;

it('hands out no server, no workflow bundle, no test and no settings', () => {
  const options = { cwd: PACKAGE_ROOT, encoding: 'utf8' } as const;
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], options));
  const paths: string[] = files.map(({ path }: { path: string }) => path);
  expect(paths).toContain('package.json');
  expect(paths.filter((path) => !HANDED_OUT.test(path))).toEqual([]);
});
