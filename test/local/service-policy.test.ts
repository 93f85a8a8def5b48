// The file that keeps Debian from starting services, when the process that wrote it is killed in an installation.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refuseServices, removeLeftPolicy } from '../../ops/local/binaries/service-policy';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { ownFolder } from './folder';

const asRoot = process.getuid?.() === 0 ? it : it.skip;
const newPath = () => join(ownFolder(), 'policy-rc.d');

asRoot('is removed by the next start once its process was killed, and not before', async () => {
  const path = newPath();
  const program = join(PACKAGE_ROOT, 'dist', 'ops', 'local', 'binaries', 'service-policy.js');
  const script = `require(${JSON.stringify(program)}).refuseServices(${JSON.stringify(path)}); process.stdout.write('written'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  removeLeftPolicy(path);
  expect(readFileSync(path, 'utf8')).toMatch(/^#!\/bin\/sh\n# Written by Countersign .*\nexit 101\n$/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  removeLeftPolicy(path);
  expect(existsSync(path)).toBe(false);
});

asRoot('goes if its process number is that of another process now', () => {
  const path = newPath();
  const mark = `# Written by Countersign (process ${process.pid} of another-boot:1) while it installs a package.`;
  writeFileSync(path, `#!/bin/sh\n${mark}\nexit 101\n`);
  removeLeftPolicy(path);
  expect(existsSync(path)).toBe(false);
});

asRoot.each([
  '#!/bin/sh\nexit 101\n',
  '#!/bin/sh\n# Written by Countersign (process 1234567) while it installs a package.\nexit 0\n',
  '',
])("stays as it is if it is somebody else's", (content) => {
  const path = newPath();
  writeFileSync(path, content);
  removeLeftPolicy(path);
  refuseServices(path).end();
  expect(readFileSync(path, 'utf8')).toBe(content);
});

it('goes with the installation that ends', () => {
  const path = newPath();
  const policy = refuseServices(path);
  expect(existsSync(path)).toBe(true);
  policy.end();
  expect(existsSync(path)).toBe(false);
  expect(() => removeLeftPolicy(path)).not.toThrow();
});
