// The local supervisor: brings up what the environment does not give, keeps it running, stops it in order.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { banner } from './banner';
import type { OnProgress } from './binaries/programs';
import { removeLeftPolicy } from './binaries/service-policy';
import { explain, FAILED, REFUSED, StartFailure } from './failure';
import { type Home, openHome } from './home';
import { Installation, type Mode, ROOT } from './installation';
import { keepSettings } from './kept-settings';
import { takeLock } from './lock';
import { keepLogsSmall } from './log-rotation';
import { makePlan } from './plan';
import { endLeftovers, RuntimeFile } from './runtime-file';
import { killAll, onStopRequest } from './stop-request';

/** Started by `ops/restore.sh` or `ops/rollback.sh` if nothing runs. */
const MODE: Mode = process.argv.includes('--restoring')
  ? 'restoring'
  : process.argv.includes('--releasing')
    ? 'releasing'
    : 'serving';

type ShowProgress = (what: string, usualSeconds: number) => (failed?: boolean) => void;

async function main(): Promise<number> {
  const home = openHome(ROOT);
  const lock = takeLock(home.file('lock'));
  if ('heldBy' in lock) {
    throw new StartFailure(
      `Countersign runs already in this folder (process ${lock.heldBy}). Use that one, or end it first: kill ${lock.heldBy}`,
      REFUSED,
    );
  }
  try {
    return await supervise(home);
  } finally {
    lock.release();
  }
}

async function supervise(home: Home): Promise<number> {
  removeLeftPolicy();
  await endLeftovers(home);
  const plan = await makePlan(home, keepSettings(home, MODE === 'restoring' ? process.env : {}), process.env);
  const runtime = new RuntimeFile(home);
  const say = (line: string) => console.log(line);
  const installation = new Installation({
    root: ROOT,
    home,
    plan,
    runtime,
    newProgress: await progress(),
    say,
    mode: MODE,
  });
  keepLogsSmall(home.logs);
  const stopRequest = onStopRequest(() => killAll(runtime.pids()));
  let exitCode = 0;
  try {
    const started = installation.start();
    await Promise.race([started, stopRequest]);
    if (!stopRequest.received) {
      if (MODE !== 'serving') process.send?.('ready');
      else console.log(banner(installation, plan));
      await stopRequest;
    } else {
      exitCode = FAILED;
      started.catch(() => {});
    }
    say('Stopping…');
  } catch (error) {
    const told = stopRequest.received ? null : explain(error, home.folder);
    if (told) console.error(`\nCountersign could not start. ${told.message}\nLogs are in ${home.logs}.`);
    exitCode = told?.exitCode ?? FAILED;
  }
  await installation.stop();
  runtime.clear();
  say('Stopped.');
  return exitCode;
}

/** The bar lives beside the scripts that run before the first build. */
async function progress(): Promise<() => OnProgress> {
  const { showProgress }: { showProgress: ShowProgress } = await import(
    pathToFileURL(join(ROOT, 'ops', 'progress.mjs')).href
  );
  return () => {
    let end: ReturnType<ShowProgress> | null = null;
    return (now) => {
      end?.();
      end = now ? showProgress(now.what, now.usualSeconds) : null;
    };
  };
}

// Whoever read what is printed may go; what runs stays.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

main().then(
  (code) => process.exit(code),
  (error) => {
    const { message, exitCode } = explain(error, join(ROOT, '.countersign'));
    console.error(message);
    process.exit(exitCode);
  },
);
