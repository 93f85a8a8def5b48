// Temporal's dev server on loopback with its Web UI, its state kept in a file.
import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { OnProgress } from './binaries/programs';
import { findTemporal } from './binaries/temporal';
import { freePort } from './ports';
import { LaunchError, launch, type Server } from './server';

export interface TemporalOptions {
  folder: string;
  port?: number;
  uiPort?: number;
  metricsPort?: number;
  /** Made if it is missing. */
  namespace?: string;
  log?: string;
  onProgress?: OnProgress;
  onSpawn?: (pid: number) => void;
  inBackground?: boolean;
}

export interface TemporalServer extends Server {
  uiUrl: string;
}

/**
 * Every write is synced. Without the second group each task waits for one of twenty polls a second, and the deletion of a
 * workflow for up to half a minute: until the queue has noted down that its end was dealt with.
 */
const SETTINGS = [
  ...['journal_mode=WAL', 'synchronous=FULL'].flatMap((pragma) => ['--sqlite-pragma', pragma]),
  ...[
    'history.transferProcessorMaxPollRPS=1000',
    'history.transferProcessorUpdateAckInterval="1s"',
    'system.enableActivityEagerExecution=true',
    'system.forceSearchAttributesCacheRefreshOnRead=false',
  ].flatMap((value) => ['--dynamic-config-value', value]),
];

/** It draws ports for its inner services itself, and another process may take one before it does. */
const STARTS = 3;

export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  for (let start = 1; ; start++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const collided = error instanceof LaunchError && error.lastLines.includes('address already in use');
      if (!collided || start === STARTS) throw error;
    }
  }
}

async function startOnce(options: TemporalOptions): Promise<TemporalServer> {
  const { folder, namespace = 'default' } = options;
  const command = await findTemporal(options.onProgress);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  const port = options.port || (await freePort());
  const uiPort = options.uiPort || (await freePort());
  const metricsPort = options.metricsPort || (await freePort());
  const httpPort = await freePort();
  const address = `127.0.0.1:${port}`;
  const server = await launch({
    name: 'Temporal',
    url: `grpc://${address}`,
    command,
    args: [
      ...[
        'server',
        'start-dev',
        '--ip',
        '127.0.0.1',
        '--ui-ip',
        '127.0.0.1',
        '--log-level',
        'error',
        '--namespace',
        namespace,
      ],
      ...['--db-filename', join(folder, 'temporal.db')],
      ...['--port', String(port), '--ui-port', String(uiPort)],
      ...['--metrics-port', String(metricsPort), '--http-port', String(httpPort)],
      ...SETTINGS,
    ],
    // A TEMPORAL_… of the caller's would send the command line elsewhere.
    env: { PATH: process.env.PATH, HOME: homedir() },
    log: options.log ?? join(folder, 'server.log'),
    inBackground: options.inBackground,
    ready: () => answers(address, namespace),
    readyWithinMs: 60_000,
    onSpawn: options.onSpawn,
  });
  return { ...server, uiUrl: `http://127.0.0.1:${uiPort}` };
}

async function answers(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } finally {
    await connection.close();
  }
}
