// Kills a process with SIGKILL at each step of a rollback: in the end one of the two releases serves, healthy and whole.
import { setTimeout as delay } from 'node:timers/promises';
import { readRun } from '../../ops/recovery/runs';
import { type RollbackStep, rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { until } from '../support/until';
import { makeNextRelease } from './next-release';
import { ReleaseInstallation } from './release-installation';

jest.setTimeout(900_000);

const NEXT = '99.0.0';
const STEPS: RollbackStep[] = ['plan', 'restore_point', 'traffic_out', 'workers', 'database', 'api', 'watch'];
const CASES: [RollbackStep, string][] = [
  ...STEPS.map((step): [RollbackStep, string] => [step, 'releases']),
  ['traffic_out', 'api'],
  ['workers', 'worker'],
  ['workers', 'temporal'],
  ['database', 'postgres'],
  ['database', 'temporal'],
  ['api', 'api'],
  ['watch', 'worker'],
  ['workers', 'supervisor'],
  ['database', 'supervisor'],
  ['api', 'supervisor'],
];

let installation: ReleaseInstallation;
let first: string;
let sources: string;
/** By version. */
const schemas: Record<string, string> = {};
let recipients = 0;

beforeAll(async () => {
  installation = await ReleaseInstallation.start();
  ({ first } = installation);
  schemas[first] = await installation.readSchema();
  sources = await makeNextRelease(installation.folder, `${installation.folder}-next`, {
    version: NEXT,
    column: 'colour',
  });
});
afterAll(() => installation?.stop());

/** Kills it once the step has begun. A step of a few milliseconds may be over by then. */
async function strikeAt(id: string, step: RollbackStep, victim: string): Promise<void> {
  const temporal = await installation.openTemporal();
  try {
    for (;;) {
      const run = await readRun(temporal, rollbackWorkflowId(id)).catch(() => null);
      if (run?.isOver) throw new Error(`The rollback ended before ${step}: ${JSON.stringify(run)}`);
      if (run?.steps.some((one) => one.step === step)) break;
      await delay(10);
    }
    const pid = await until(`${victim} runs`, () => (victim === 'worker' ? workerPid() : installation.pids[victim]));
    process.kill(pid, 'SIGKILL');
  } finally {
    await temporal.connection.close();
  }
}

const workerPid = () => Object.entries(installation.pids).find(([name]) => name.startsWith('worker'))?.[1];

const newRecipient = () => {
  recipients += 1;
  return `reader-${recipients}@customer.example`;
};

async function sendOne(): Promise<void> {
  const id = await installation.submit(newRecipient());
  await installation.approve(id);
  await installation.untilSent(id);
}

describe('SIGKILL', () => {
  it.each(CASES)('during %s: of the process %s', async (step, victim) => {
    if ((await installation.version()) !== NEXT) {
      await installation.done('deploy', NEXT, '--from', sources);
      schemas[NEXT] ??= await installation.readSchema();
    }
    const open = await installation.submit(newRecipient());

    const rollback = installation.command('rollback', '--yes', '--json');
    const id = await until('the rollback has begun', async () => {
      const { items } = (await installation.call('GET', '/api/ops/rollbacks', 'admin').catch(() => null))?.body ?? {};
      const running = items?.find((one: { finishedAt: string | null }) => one.finishedAt === null);
      return running?.id as string | undefined;
    });
    await strikeAt(id, step, victim);
    if (victim === 'supervisor') {
      await installation.own.stop();
      await installation.own.start();
    }
    // It has gone on following meanwhile.
    const { code, stdout, stderr } = await rollback;
    if (code !== 0 && code !== 1) throw new Error(`It ended with ${code}: ${stdout}\n${stderr}`);

    await until('a release is ready', installation.isReady);
    const version = (await installation.version()) as string;
    expect([first, NEXT]).toContain(version);
    const releases = await installation.query(`SELECT version FROM releases WHERE state = 'current'`);
    expect(releases).toEqual([{ version }]);
    expect(await installation.readSchema()).toBe(schemas[version]);
    await installation.approve(open);
    await installation.untilSent(open);
    await sendOne();
    expect(Object.values(installation.mails()).filter((count) => count !== 1)).toEqual([]);
    console.log(`${victim} killed during ${step}: ${version} serves`);
  });
});
