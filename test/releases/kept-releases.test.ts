// The supervisor of releases with real child processes: it brings about what the process driver wants, and says what runs.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartFailure } from '../../ops/local/failure';
import { openHome } from '../../ops/local/home';
import { KeptProcesses } from '../../ops/local/kept-processes';
import { KeptReleases, type Started, type Starting } from '../../ops/local/kept-releases';
import { freePort } from '../../ops/local/ports';
import { isAlive } from '../../ops/local/process-identity';
import { RuntimeFile } from '../../ops/local/runtime-file';
import { launch } from '../../ops/local/server';
import type { Running, Wanted } from '../../ops/releases/driver';
import { readRunning, wantedFile, writeWanted } from '../../ops/releases/process/records';
import { newFolder } from '../support/environment';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { testServers } from '../support/servers';
import { until, untilStill } from '../support/until';

/** Says which release it is, as whom it was started, and its process id. It ends on SIGTERM, or with its supervisor. */
const PROGRAM = `
const [port, told] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
require('node:http').createServer((_, response) => response.end(JSON.stringify({ ...JSON.parse(told), pid: process.pid })))
  .listen(Number(port), '127.0.0.1');
`;

const worker = (version: string, buildId: string | null = null) => ({ version, buildId });
const FIRST: Wanted = { api: '1.0.0', trial: null, workers: [worker('1.0.0')] };

interface Told {
  version: string;
  buildId: string | null;
  pid: number;
}

let home: string;
let releases: string;
let kept: KeptReleases;
let said: string[];
let starts: string[];
let apiPort: number;
beforeEach(async () => {
  home = newFolder('supervisor');
  releases = join(home, 'releases');
  for (const version of ['1.0.0', '2.0.0']) {
    mkdirSync(join(releases, version), { recursive: true });
    writeFileSync(join(releases, version, 'program.cjs'), PROGRAM);
  }
  [said, starts, apiPort] = [[], [], await freePort()];
  const opened = openHome(home);
  const say = (line: string) => void said.push(line);
  const processes = new KeptProcesses({ home: opened, runtime: new RuntimeFile(opened), say });
  kept = new KeptReleases({
    folder: releases,
    first: FIRST,
    say,
    end: (name) => processes.end(name),
    start: (name, starting) => start(processes, name, starting),
  });
});
afterEach(() => kept.stop());

/** As ops/local/services.ts does it, with a program of a few lines. */
async function start(processes: KeptProcesses, name: string, { version, buildId }: Starting): Promise<Started> {
  starts.push(`${name} ${version}`);
  const program = join(releases, version, 'program.cjs');
  const port = name === 'api' ? apiPort : await freePort();
  const url = `http://127.0.0.1:${port}`;
  if (version === 'gone') throw new StartFailure(`The release ${version} is gone`);
  const supervised = await processes.keep(name, async (own) => {
    const server = await launch({
      ...own,
      onSpawn(pid) {
        noteStart(testServers().folder, pid);
        own.onSpawn(pid);
      },
      name,
      url,
      command: process.execPath,
      args: [program, String(port), JSON.stringify({ version, buildId })],
      ipc: true,
      ready: async () => true,
    });
    void server.exited.then(() => noteEnd(testServers().folder, server.pid));
    return server;
  });
  return { supervised, url, metrics: `${url}/metrics` };
}

const ask = (url: string): Promise<Told | null> =>
  fetch(url).then(
    async (response) => (await response.json()) as Told,
    () => null,
  );
const running = (): Running => readRunning(releases) ?? { api: [], trial: [], workers: [] };
const versions = () => {
  const { api, trial, workers } = running();
  const [a, t, w] = [api, trial, workers].map((all) => all.map(({ version }) => version));
  return JSON.stringify([a, t, w]);
};
const untilRuns = (api: string[], trial: string[], workers: string[]) =>
  until(
    `${JSON.stringify([api, trial, workers])} run`,
    () => versions() === JSON.stringify([api, trial, workers]),
    20_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}, but ${versions()}; ${said.join('\n')}`);
  });
const answerOf = (url: string | undefined) => until(`${url} answers`, () => ask(String(url)), 20_000);

it('starts the release of the folder before the first deployment, and says where each process answers', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const { api, workers } = running();
  expect(api).toEqual([
    { version: '1.0.0', url: `http://127.0.0.1:${apiPort}`, metrics: `http://127.0.0.1:${apiPort}/metrics`, deaths: 0 },
  ]);
  expect(await answerOf(api[0]?.url)).toMatchObject({ version: '1.0.0' });
  expect(await answerOf(workers[0]?.url)).toMatchObject({ version: '1.0.0', buildId: null });
  expect(kept.services).toHaveLength(2);
});

it('switches the API on its one port: the new one starts once the old one has ended', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const before = await answerOf(running().api[0]?.url);
  writeWanted(releases, { ...FIRST, api: '2.0.0' });
  await untilRuns(['2.0.0'], [], ['1.0.0']);
  const after = await until('the new API answers', () => ask(`http://127.0.0.1:${apiPort}`));
  expect(after.version).toBe('2.0.0');
  expect(isAlive(before.pid)).toBe(false);
  expect(running().api[0]?.deaths).toBe(0);
});

it('runs workers of two releases side by side, each with its build, and a trial API at a port of its own', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const workers = [worker('1.0.0'), worker('2.0.0', '2.0.0-abcd')];
  writeWanted(releases, { api: '1.0.0', trial: '2.0.0', workers });
  await untilRuns(['1.0.0'], ['2.0.0'], ['1.0.0', '2.0.0']);
  const [trial, second] = [running().trial[0]?.url, running().workers[1]?.url];
  expect(await answerOf(trial)).toMatchObject({ version: '2.0.0' });
  expect(await answerOf(second)).toMatchObject({ version: '2.0.0', buildId: '2.0.0-abcd' });
  expect(await answerOf(`http://127.0.0.1:${apiPort}`)).toMatchObject({ version: '1.0.0' });
  writeWanted(releases, { api: '1.0.0', trial: null, workers: workers.slice(1) });
  await untilRuns(['1.0.0'], [], ['2.0.0']);
  expect(starts).toEqual(['api 1.0.0', 'worker 1.0.0', 'api-trial 2.0.0', 'worker-2.0.0 2.0.0']);
});

it('replaces a worker whose build id has changed', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const { pid } = await answerOf(running().workers[0]?.url);
  writeWanted(releases, { ...FIRST, workers: [worker('1.0.0', '1.0.0-abcd')] });
  await until('the first worker has ended', () => !isAlive(pid));
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  await until(
    'the new one answers',
    async () => (await ask(String(running().workers[0]?.url)))?.buildId === '1.0.0-abcd',
  );
});

it('starts a process that died again, at its address, and counts its deaths', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const { pid } = await answerOf(running().workers[0]?.url);
  process.kill(pid, 'SIGKILL');
  await until('the death is counted', () => running().workers[0]?.deaths === 1);
  const again = await answerOf(running().workers[0]?.url);
  expect([again.version, again.pid === pid]).toEqual(['1.0.0', false]);
  expect(running().api[0]?.deaths).toBe(0);
});

it('stops a process at once that dies again and again, if it is wanted no longer', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  writeFileSync(join(releases, '2.0.0', 'program.cjs'), 'process.exit(1)');
  writeWanted(releases, { ...FIRST, workers: [worker('1.0.0'), worker('2.0.0')] });
  await until('it has died three times', () => (running().workers[1]?.deaths ?? 0) >= 3);
  writeWanted(releases, FIRST);
  await untilRuns(['1.0.0'], [], ['1.0.0']);
});

it('says that a wanted release is gone, and does not spin; everything else goes on', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  writeWanted(releases, { ...FIRST, workers: [worker('1.0.0'), worker('gone')] });
  await until('it is said', () => said.length > 0);
  await untilStill('it is not tried again at once', () => starts.length);
  expect(said).toEqual(['The worker-gone of gone could not be started: The release gone is gone']);
  await untilRuns(['1.0.0'], [], ['1.0.0']);
});

it('starts a wanted release as soon as its folder is back', async () => {
  renameSync(join(releases, '2.0.0'), join(releases, 'moved'));
  kept.start();
  writeWanted(releases, { ...FIRST, api: '2.0.0' });
  await until('it dies without its folder', () => (running().api[0]?.deaths ?? 0) > 0);
  renameSync(join(releases, 'moved'), join(releases, '2.0.0'));
  expect(await answerOf(`http://127.0.0.1:${apiPort}`)).toMatchObject({ version: '2.0.0' });
});

it('leaves all as it runs while what is wanted is damaged, says so, and follows it again', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const before = await answerOf(running().api[0]?.url);
  writeFileSync(wantedFile(releases), JSON.stringify({ api: '../x', trial: null, workers: [] }));
  await until('it is said', () => said.length > 0);
  await untilStill('it is said once', () => said.length);
  expect(said).toEqual([expect.stringContaining("The releases can't be looked after")]);
  expect(await ask(`http://127.0.0.1:${apiPort}`)).toEqual(before);
  writeWanted(releases, { ...FIRST, api: '2.0.0' });
  await untilRuns(['2.0.0'], [], ['1.0.0']);
});

it('stops what runs, and says that nothing does', async () => {
  kept.start();
  await untilRuns(['1.0.0'], [], ['1.0.0']);
  const pids = [await answerOf(running().api[0]?.url), await answerOf(running().workers[0]?.url)].map(({ pid }) => pid);
  await kept.stop();
  expect(pids.map((pid) => isAlive(pid))).toEqual([false, false]);
  expect(running()).toEqual({ api: [], trial: [], workers: [] });
});
