// Starts the servers and the apps, measures what the options ask for, prints it, and ends everything.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAims } from './aims';
import type { App } from './apps/app';
import { startCountersign } from './apps/countersign';
import { startIdiomatic } from './apps/idiomatic';
import { startPlain } from './apps/plain';
import { measureAudit, printAudit } from './audit';
import { measureBackup, printBackup } from './backup';
import { measureCleanup } from './cleanup';
import { compare } from './comparison';
import { measureErasures } from './erasure';
import { measureOpenLoop } from './open-loop';
import { type AppName, type Options, readOptions, USAGE } from './options';
import { peakMemory } from './process-numbers';
import { printCleanup, printComparison, printErasures, printOpenLoop, printTemporalAway } from './report';
import { printScaling } from './scaling/report';
import { measureScaling } from './scaling/scaling';
import { type Servers, startServers } from './servers';
import { measureTelemetry, printTelemetry } from './telemetry';
import { measureTemporalAway } from './temporal-away';

const progress = (line: string) => process.stderr.write(`· ${line}\n`);

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  // PostgreSQL may run as another user, who must be able to pass.
  chmodSync(folder, 0o755);
  progress('starting PostgreSQL, Redis, Temporal and the apps');
  const servers = await startServers(folder);
  const stop = async (signal: NodeJS.Signals) => {
    await servers.stop();
    process.kill(process.pid, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void stop(signal));
  try {
    const { text, result } = await measure(options, servers);
    console.log(options.json ? JSON.stringify(result, null, 2) : `\n${text}`);
  } finally {
    await servers.stop();
  }
}

async function measure(options: Options, servers: Servers): Promise<{ text: string; result: unknown }> {
  if (options.part === 'open') {
    const countersign = await startCountersign(servers, options.nodeOptions);
    const result = await measureOpenLoop(countersign, servers.arrivals, options.minutes, progress);
    return { text: printOpenLoop(result), result };
  }
  if (options.part === 'audit') {
    const result = await measureAudit(servers, options, progress);
    return { text: printAudit(result), result };
  }
  if (options.part === 'temporal-away') {
    const countersign = await startCountersign(servers, options.nodeOptions);
    const result = await measureTemporalAway(countersign, servers, options.seconds * options.rounds, progress);
    return { text: printTemporalAway(result), result };
  }
  if (options.part === 'cleanup') {
    const countersign = await startCountersign(servers, options.nodeOptions);
    const result = await measureCleanup(countersign, options.rows, progress);
    return { text: printCleanup(result), result };
  }
  if (options.part === 'erasure') {
    // Each scan at once, however much there is.
    const countersign = await startCountersign(servers, options.nodeOptions, { SCAN_INTERVAL: '1' });
    const result = await measureErasures(countersign, options.rows, progress);
    return { text: printErasures(result), result };
  }
  if (options.part === 'telemetry') {
    const result = await measureTelemetry(servers, options, progress);
    return { text: printTelemetry(result), result };
  }
  if (options.part === 'backup') {
    const result = await measureBackup(servers, options, progress);
    return { text: printBackup(result), result };
  }
  if (options.part === 'scaling') {
    const result = await measureScaling(servers, options, progress);
    return { text: printScaling(result), result };
  }
  const apps = await startApps(options, servers);
  const cells = await compare(apps, servers, options, progress);
  const processes = new Map(apps.flatMap((app) => app.processes).map(({ name, pid }) => [name, pid()]));
  const result = {
    cells,
    peakMemoryMb: Object.fromEntries([...processes].map(([name, pid]) => [name, peakMemory(pid)])),
    aims: checkAims(cells),
    repeated: servers.arrivals.repeated,
  };
  return { text: printComparison(result), result };
}

async function startApps({ apps, nodeOptions }: Options, servers: Servers): Promise<App[]> {
  const started: Partial<Record<AppName, App>> = {};
  if (apps.includes('plain')) started.plain = await startPlain(servers);
  if (apps.includes('idiomatic')) started.idiomatic = await startIdiomatic(servers);
  if (apps.includes('policy') || apps.includes('people')) {
    const { policy, people } = await startCountersign(servers, nodeOptions);
    Object.assign(started, { policy, people });
  }
  return apps.flatMap((name) => started[name] ?? []);
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(1);
  },
);
