#!/usr/bin/env node
// Stands in for Prisma's native schema engine: same arguments, same JSON-RPC
// over stdio, backed by the official WebAssembly build and the pg adapter.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { parse } from 'pg-connection-string';

// Three gaps of the pg adapter that only matter to migrations: it does not know
// the catalog's internal "char" type (oid 18; report it as bpchar), it drops a
// shadow database while still connected to it, and it cuts a script at every
// semicolon, those inside a function's body too.
const patch = (result) => {
  for (const field of result?.fields ?? []) if (field.dataTypeID === 18) field.dataTypeID = 1042;
  return result;
};
class CatalogClient extends pg.Client {
  query(...q) {
    const done = q.at(-1);
    if (typeof done !== 'function') return super.query(...q).then(patch);
    return super.query(...q.slice(0, -1), (error, result) => done(error, patch(result)));
  }
}
const withWholeScripts = (adapter) =>
  Object.assign(adapter, { executeScript: async (script) => void (await adapter.client.query(script)) });

class MigrationPg extends PrismaPg {
  constructor(config) {
    super(config);
    this.settings = config;
  }
  async connect() {
    return withWholeScripts(await super.connect());
  }
  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const main = await this.connect();
    await main.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = withWholeScripts(await new PrismaPg({ ...this.settings, database }).connect());
    const close = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await close();
      await main.executeScript(`DROP DATABASE IF EXISTS "${database}"`);
      await main.dispose();
    };
    return shadow;
  }
}

const args = process.argv.slice(2);
const option = (name) => args.flatMap((a, i) => (a === name ? [args[i + 1]] : []));

async function engineFor(url, datamodels) {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const dir = path.dirname(fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm')));
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(path.join(dir, 'schema_engine_bg.wasm')), {
    './schema_engine_bg.js': glue,
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start?.();
  let panic;
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    set_message(m) {
      panic = this.last = m;
    },
  };
  if (new URL(url ?? 'postgresql://localhost').searchParams.has('schema')) {
    throw new Error('DATABASE_URL: ?schema= is not supported here; give the role a search_path instead');
  }
  const factory = new MigrationPg({ ...parse(url ?? ''), Client: CatalogClient });
  const engine = await glue.SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(factory));
  return { engine, factory, panic: () => panic };
}

function fail(message, code = 'P1001') {
  process.stderr.write(
    `\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields: { message, error_code: code } })}`,
  );
  process.exitCode = 1;
}

async function subcommand() {
  const url = new URL(JSON.parse(option('--datasource')[0]).url);
  const name = decodeURIComponent(url.pathname.slice(1));
  const connect = async (u) => {
    const c = new pg.Client({ connectionString: String(u) });
    await c.connect();
    return c;
  };
  try {
    if (args.includes('can-connect-to-database')) return void (await (await connect(url)).end());
    url.pathname = '/postgres';
    const admin = await connect(url);
    const quoted = `"${name.replaceAll('"', '""')}"`;
    if (args.includes('create-database')) await admin.query(`CREATE DATABASE ${quoted}`);
    if (args.includes('drop-database')) await admin.query(`DROP DATABASE IF EXISTS ${quoted}`);
    await admin.end();
  } catch (e) {
    fail(e.message || String(e.code), e.code === '3D000' ? 'P1003' : 'P1001');
  }
}

async function rpc() {
  const datasource = JSON.parse(option('--datasource')[0] ?? '{}');
  const datamodels = option('--datamodels').map((f) => [f, fs.readFileSync(f, 'utf8')]);
  const { engine, panic } = await engineFor(
    datasource.url,
    datamodels.length ? datamodels : [['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n']],
  );
  const rename = { getDatabaseVersion: 'version' };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    const { id, method, params } = JSON.parse(line);
    if (id === undefined || method === undefined) continue;
    let reply;
    try {
      const result = await engine[rename[method] ?? method](
        method === 'diff' ? { shadowDatabaseUrl: datasource.shadowDatabaseUrl ?? null, ...params } : params,
      );
      reply = { jsonrpc: '2.0', id, result: result ?? null };
      if (method === 'diff' && result.stdout) {
        process.stdout.write(
          `${JSON.stringify({ jsonrpc: '2.0', id: 1e6 + id, method: 'print', params: { content: result.stdout } })}\n`,
        );
      }
    } catch (e) {
      const message = panic() ?? e.message;
      reply = {
        jsonrpc: '2.0',
        id,
        error: {
          code: 4466,
          message,
          data: { is_panic: Boolean(panic()), message, meta: e.meta ?? null, error_code: e.code ?? '' },
        },
      };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  process.exit(0);
}

process.on('uncaughtException', (e) => {
  process.stderr.write(
    `${JSON.stringify({ level: 'ERROR', fields: { message: globalThis.PRISMA_WASM_PANIC_REGISTRY?.last ?? e.message } })}\n`,
  );
  process.exit(1);
});

await (args.includes('cli') ? subcommand() : rpc());
