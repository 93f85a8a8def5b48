// What a process that was killed left of a cluster beside is removed by the next, and nothing that somebody else names.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endBeside } from '../../ops/local/beside';
import { ownFolder } from './folder';

function clusterWhoseSocketsAreIn(folder: string): string {
  const data = ownFolder();
  writeFileSync(join(data, 'countersign-sockets'), folder);
  return data;
}

it('removes the sockets of its last start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-beside-'));
  const data = clusterWhoseSocketsAreIn(folder);
  await endBeside(data);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(join(data, 'countersign-sockets'))).toBe(false);
  await endBeside(data);
});

it.each([
  ['lies elsewhere', () => ownFolder()],
  ['is not of this kind', () => mkdtempSync(join(tmpdir(), 'another-'))],
])('leaves a folder that %s', async (_what, name) => {
  const folder = name();
  await endBeside(clusterWhoseSocketsAreIn(folder));
  expect(existsSync(folder)).toBe(true);
  rmSync(folder, { recursive: true, force: true });
});
