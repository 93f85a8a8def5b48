// The clock of API, worker and PostgreSQL jumps an hour forward and back under a hundred requests a second. Temporal's own
// goes on, as that of another machine: a Go program asks the kernel, past the library that moves the others' clocks.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findPostgres } from '../../ops/local/binaries/postgres';
import { ApiClient } from '../support/api-client';
import { openTestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnPostgres } from '../support/own-server';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { SteadyLoad } from './steady-load';

const HOUR = 3_600;
const DRAFTS_BETWEEN = 300;

let service: TestService;
let server: OwnServer;
const { PATH } = process.env;
afterEach(async () => {
  process.env.PATH = PATH;
  await service?.close();
  await server?.stop();
});

class MovedClock {
  private readonly file = join(newFolder('clock'), 'offset');

  constructor() {
    chmodSync(dirname(this.file), 0o755);
    this.moveTo(0);
  }
  /** In seconds from the true time; within a second for all. */
  moveTo(seconds: number): void {
    writeFileSync(`${this.file}.new`, seconds < 0 ? `${seconds}` : `+${seconds}`);
    renameSync(`${this.file}.new`, this.file);
  }
  /** Timers go on as they do when a clock is set. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: faketime(),
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
  /** From here on `postgres` of the PATH runs by this clock. */
  async putBeforePostgres(): Promise<void> {
    const { bin } = await findPostgres(null);
    const own = join(newFolder('postgres'), 'bin');
    mkdirSync(own);
    chmodSync(dirname(own), 0o755);
    const settings = Object.entries(this.environment).map(([name, value]) => `export ${name}='${value}'`);
    writeFileSync(join(own, 'postgres'), `#!/bin/sh\n${settings.join('\n')}\nexec '${join(bin, 'postgres')}' "$@"\n`, {
      mode: 0o755,
    });
    symlinkSync(join(bin, 'initdb'), join(own, 'initdb'));
    process.env.PATH = `${own}:${PATH}`;
  }
}

/** Where Debian has it. */
function faketime(): string {
  const folders = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/faketime`);
  const library = folders.map((folder) => join(folder, 'libfaketimeMT.so.1')).find(existsSync);
  if (!library) throw new Error('libfaketime is not installed');
  return library;
}

it('a clock that jumps an hour either way refuses nobody, loses nothing and sends nothing twice', async () => {
  const clock = new MovedClock();
  await clock.putBeforePostgres();
  const own = await startOwnPostgres();
  server = own.server;
  service = await TestService.create({
    database: openTestDatabase(own.databaseUrl),
    environment: clock.environment,
  });
  const processes = [service.start('api', 'api/main.js'), service.startWorker()];
  const { PORT } = service.environment;
  const api = new ApiClient(`http://127.0.0.1:${PORT}`, {});
  const load = new SteadyLoad(() => PORT);
  await load.begin();
  await load.reaches(DRAFTS_BETWEEN);

  for (const offset of [HOUR, 0, -HOUR, 0]) {
    clock.moveTo(offset);
    const sent = service.mail.accepted.length;
    await until('the database has heard of it', async () => Math.abs((await skew()) - offset) < 60);
    await load.reaches(DRAFTS_BETWEEN);
    await until('mails go out', () => service.mail.accepted.length >= sent + DRAFTS_BETWEEN);
    expect(await api.ready()).toBe(true);
  }
  const approved = await service.approve(await service.submitForReview('approved@example.org'));
  await service.draftIn('sent', approved.id);

  const submitted = await load.end();
  expect(load.refused).toEqual({});
  // What fell due while the clock was ahead waits until it is that late again.
  clock.moveTo(HOUR);
  expect(await everyDraftEnds(service)).toEqual([]);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(submitted + 1);
  expect(processes.map(({ running }) => running)).toEqual([true, true]);
});

/** By how many seconds the database is ahead. */
async function skew(): Promise<number> {
  const { rows } = await service.database.pool.query('SELECT extract(epoch FROM clock_timestamp())::float8 AS now');
  return rows[0].now - Date.now() / 1000;
}
