import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../ops/local/postgres';
import { isAlive } from '../../ops/local/process-identity';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { testServers } from '../support/servers';
import { ownFolder } from './folder';

async function start(folder: string) {
  const server = await startPostgres({ folder });
  noteStart(testServers().folder, server.pid);
  void server.exited.then(() => noteEnd(testServers().folder, server.pid));
  return server;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: `${url}/postgres` });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

test('the database starts below a folder that only root may pass, ready for an archive', async () => {
  const closed = join(ownFolder(), 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o700);
  const server = await start(join(closed, 'postgres'));
  const settings = ['wal_level', 'archive_mode', 'data_checksums', 'synchronous_commit', 'server_encoding'];
  const shown = settings.map((name) => `current_setting('${name}')`).join(', ');
  expect(await ask(server.url, `SELECT ${shown}`)).toEqual(['replica', 'on', 'on', 'on', 'UTF8']);
  expect(statSync(join(closed, 'postgres', 'password')).mode & 0o777).toBe(0o600);
  await server.stop();
});

test('nobody enters without the password', async () => {
  const server = await start(ownFolder());
  const url = new URL(server.url);
  url.password = 'wrong';
  await expect(ask(String(url), 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  await server.stop();
});

test('what was committed is there after a kill, and after a start beside a server that was left running', async () => {
  const folder = ownFolder();
  const first = await start(folder);
  await ask(first.url, 'CREATE TABLE kept (n int)');
  await ask(first.url, 'INSERT INTO kept VALUES (1)');
  process.kill(first.pid, 'SIGKILL');
  await first.exited;
  const second = await start(folder);
  expect(await ask(second.url, 'SELECT n FROM kept')).toEqual([1]);
  const third = await start(folder);
  expect(isAlive(second.pid)).toBe(false);
  expect(await ask(third.url, 'SELECT n FROM kept')).toEqual([1]);
  await third.stop();
});

test('its log tells what went wrong and repeats no value of a row', async () => {
  const folder = ownFolder();
  const server = await start(folder);
  await ask(server.url, 'CREATE TABLE people (email text UNIQUE, age int CHECK (age < 200))');
  await ask(server.url, "INSERT INTO people VALUES ('canary@example.org', 7)");
  for (const values of ["('canary@example.org', 8)", "('canary2@example.org', 300)"]) {
    await expect(ask(server.url, `INSERT INTO people VALUES ${values}`)).rejects.toThrow(/violates/);
  }
  await server.stop();
  const log = readFileSync(join(folder, 'server.log'), 'utf8');
  expect(log).toContain('duplicate key value violates unique constraint');
  expect(log).toContain('violates check constraint');
  expect(log).not.toContain('canary');
});
