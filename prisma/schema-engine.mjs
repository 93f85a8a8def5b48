#!/usr/bin/env node
// Stands in for Prisma's native schema engine: the same arguments and the same JSON-RPC over stdio, backed by Prisma's
// own WebAssembly build and the pg adapter.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { parse } from 'pg-connection-string';
import { MigrationAdapter } from './migration-adapter.mjs';

const args = process.argv.slice(2);
const option = (name) => args.flatMap((arg, i) => (arg === name ? [args[i + 1]] : []));
const datasource = JSON.parse(option('--datasource')[0] ?? '{}');

const DATAMODEL = 'datasource db {\n  provider = "postgresql"\n}\n';
/** What the WebAssembly build calls otherwise. */
const RENAMED = { getDatabaseVersion: 'version' };

let panic;
globalThis.PRISMA_WASM_PANIC_REGISTRY = {
  set_message(message) {
    panic = message;
  },
};

async function createEngine() {
  if (!datasource.url) throw new Error('DATABASE_URL is not set.');
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const folder = path.dirname(fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm')));
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(path.join(folder, 'schema_engine_bg.wasm')), {
    './schema_engine_bg.js': glue,
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start?.();
  const files = option('--datamodels').map((file) => [file, fs.readFileSync(file, 'utf8')]);
  // The engine panics without a datamodel, and some commands send none.
  const datamodels = files.length > 0 ? files : [['schema.prisma', DATAMODEL]];
  const adapter = new MigrationAdapter(parse(datasource.url));
  const engine = await glue.SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(adapter));
  return { engine, adapter };
}

/** Answers one request at a time, as the CLI asks them, until it closes our standard input. */
async function serve() {
  let opened;
  let request;
  const answer = (content) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...content })}\n`);
  const answerFailure = (error) => {
    const message = panic ?? error.message;
    const data = { is_panic: Boolean(panic), message, meta: error.meta ?? null, error_code: error.code ?? '' };
    answer({ id: request.id, error: { code: 4466, message, data } });
  };
  // A failure may reach us past every promise. The CLI would wait for an answer and end with code 0 when none can come.
  process.on('uncaughtException', (error) => {
    if (request) answerFailure(error);
    process.exitCode = 1;
    process.stdin.destroy();
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { id, method, params } = line.trim() ? JSON.parse(line) : {};
    if (id === undefined || method === undefined) continue;
    request = { id };
    try {
      opened ??= await createEngine();
      const { engine, adapter } = opened;
      if (method === 'applyMigrations') await adapter.lock();
      const complete =
        method === 'diff' ? { shadowDatabaseUrl: datasource.shadowDatabaseUrl ?? null, ...params } : params;
      const result = await engine[RENAMED[method] ?? method](complete);
      if (method === 'diff' && result.stdout) {
        answer({ id: 1_000_000 + id, method: 'print', params: { content: result.stdout } });
      }
      answer({ id, result: result ?? null });
    } catch (error) {
      answerFailure(error);
    }
    request = undefined;
  }
  process.exit();
}

/** `cli can-connect-to-database`, `cli create-database`, `cli drop-database` */
async function administer() {
  const url = new URL(datasource.url);
  const name = decodeURIComponent(url.pathname.slice(1));
  try {
    if (args.includes('can-connect-to-database')) return await withClient(url, () => {});
    url.pathname = '/postgres';
    await withClient(url, async (client) => {
      const quoted = pg.escapeIdentifier(name);
      if (args.includes('create-database')) await client.query(`CREATE DATABASE ${quoted}`);
      if (args.includes('drop-database')) await client.query(`DROP DATABASE IF EXISTS ${quoted}`);
    });
  } catch (error) {
    const fields = {
      message: error.message || String(error.code),
      error_code: error.code === '3D000' ? 'P1003' : 'P1001',
    };
    process.stderr.write(`\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields })}`);
    process.exitCode = 1;
  }
}

async function withClient(url, use) {
  const client = new pg.Client({ connectionString: String(url) });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

await (args.includes('cli') ? administer() : serve());
