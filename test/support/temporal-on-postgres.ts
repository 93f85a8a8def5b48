// Temporal's production server on PostgreSQL, with the settings and the scripts of ops/compose.yml on addresses of its own.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { parse } from 'yaml';
import { findTemporal } from '../../ops/local/binaries/temporal';
import { freePort } from '../../ops/local/ports';
import { launch, type Server } from '../../ops/local/server';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { onServer } from './database';
import { newFolder } from './environment';
import { OwnServer } from './own-server';

const execute = promisify(execFile);
const SCRIPTS = join(PACKAGE_ROOT, 'ops', 'compose');
const PROGRAMS = ['temporal-server', 'temporal-sql-tool'] as const;
/** Of the server's embedded configuration; the frontend's gRPC port is the one that clients get. */
const INNER_PORTS = [
  ...['FRONTEND_MEMBERSHIP_PORT', 'FRONTEND_HTTP_PORT'],
  ...['HISTORY', 'MATCHING', 'WORKER'].flatMap((name) => [`${name}_GRPC_PORT`, `${name}_MEMBERSHIP_PORT`]),
];

export interface TemporalOnPostgres {
  server: OwnServer;
  /** Runs the script that makes or upgrades the schema. */
  upgradeSchema(): Promise<void>;
  /** Runs the script that makes the namespace if it is missing. */
  createNamespace(name: string): Promise<void>;
}

/** @param postgres a superuser's URL; the role made there may log in and make databases, no more */
export async function startTemporalOnPostgres(postgres: string): Promise<TemporalOnPostgres> {
  const password = randomBytes(12).toString('hex');
  await onServer(postgres, `CREATE ROLE temporal LOGIN CREATEDB PASSWORD '${password}'`);
  const { hostname: host, port } = new URL(postgres);
  const path = `${await linkPrograms()}${delimiter}${process.env.PATH}`;
  const runScript = async (script: string, env: Record<string, string>) => {
    await execute('/bin/sh', [join(SCRIPTS, script)], { env: { PATH: path, HOME: process.env.HOME, ...env } });
  };
  const upgradeSchema = () =>
    runScript('temporal-schema.sh', { SQL_HOST: host, SQL_PORT: port, SQL_USER: 'temporal', SQL_PASSWORD: password });
  await upgradeSchema();
  const inner = await Promise.all(INNER_PORTS.map(async (name) => [name, String(await freePort())] as const));
  const env = {
    PATH: path,
    ...settingsOfCompose(),
    ...Object.fromEntries(inner),
    POSTGRES_SEEDS: host,
    DB_PORT: port,
    POSTGRES_PWD: password,
    BIND_ON_IP: '127.0.0.1',
    DYNAMIC_CONFIG_FILE_PATH: join(SCRIPTS, 'temporal-dynamic-config.yaml'),
    LOG_LEVEL: 'warn',
  };
  const server = await OwnServer.start((options) => startServer(options, env), 'temporal-on-postgres');
  const createNamespace = (name: string) =>
    runScript('temporal-namespace.sh', { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: name });
  return { server, upgradeSchema, createNamespace };
}

function settingsOfCompose(): Record<string, string> {
  const compose = parse(readFileSync(join(PACKAGE_ROOT, 'ops', 'compose.yml'), 'utf8'), { merge: true });
  return compose.services.temporal.environment;
}

async function startServer(
  { folder, port }: { folder: string; port?: number },
  env: Record<string, string>,
): Promise<Server> {
  const grpcPort = port ?? (await freePort());
  const address = `127.0.0.1:${grpcPort}`;
  return launch({
    name: 'Temporal on PostgreSQL',
    url: `grpc://${address}`,
    command: 'temporal-server',
    args: ['--allow-no-auth', 'start'],
    cwd: folder,
    env: { ...env, FRONTEND_GRPC_PORT: String(grpcPort) },
    log: join(folder, 'server.log'),
    ready: () => answers(address),
    readyWithinMs: 120_000,
    stopWithinMs: 30_000,
  });
}

async function answers(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace: 'temporal-system' });
  } finally {
    await connection.close();
  }
}

/** Returns a folder that has the programs by the names that the scripts use. */
async function linkPrograms(): Promise<string> {
  const folder = newFolder('temporal-programs');
  const found = (process.env.COUNTERSIGN_TEST_TEMPORAL_SERVER ?? '').split(delimiter);
  for (const [index, name] of PROGRAMS.entries()) symlinkSync(found[index] ?? name, join(folder, name));
  symlinkSync(await findTemporal(), join(folder, 'temporal'));
  return folder;
}
