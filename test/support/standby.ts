// A primary with a standby that follows it, until it is detached; then what is committed is lost with the primary.
import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../ops/local/postgres';
import { onServer } from './database';
import { OwnServer, startOwnPostgres } from './own-server';
import { until } from './until';

export class ReplicatedPostgres {
  private constructor(
    readonly primary: OwnServer,
    readonly standby: OwnServer,
    /** Of the primary. */
    readonly databaseUrl: string,
  ) {}

  static async start(): Promise<ReplicatedPostgres> {
    const { server: primary, databaseUrl } = await startOwnPostgres();
    await primary.stop();
    const standby = await OwnServer.start(startFollowing(primary), 'own-standby', (folder) => {
      for (const part of ['data', 'password']) {
        execFileSync('cp', ['-Rp', join(primary.folder, part), folder]);
      }
      const { host, port, password } = partsOf(primary.url);
      const conninfo = `host=${host} port=${port} user=postgres password=${password}`;
      appendFileSync(join(folder, 'data', 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
      writeFileSync(join(folder, 'data', 'standby.signal'), '');
    });
    return new ReplicatedPostgres(primary, standby, databaseUrl);
  }

  /** Until the standby has all that is committed now. */
  async catchUp(): Promise<void> {
    const { rows } = await onServer(this.primary.url, 'SELECT pg_current_wal_flush_lsn() AS lsn');
    await until('the standby has caught up', async () => {
      const sql = `SELECT pg_last_wal_replay_lsn() >= '${rows[0].lsn}'::pg_lsn AS is`;
      return (await onServer(this.standby.url, sql)).rows[0].is;
    });
  }

  async detach(): Promise<void> {
    await onServer(this.standby.url, "ALTER SYSTEM SET primary_conninfo = ''");
    await onServer(this.standby.url, 'SELECT pg_reload_conf()');
    await until('the standby follows nobody', async () => {
      const { rows } = await onServer(this.standby.url, 'SELECT count(*)::int AS receivers FROM pg_stat_wal_receiver');
      return rows[0].receivers === 0;
    });
  }

  /** The primary is gone for good, and the standby takes its place. */
  async failOver(): Promise<void> {
    await this.primary.kill();
    await onServer(this.standby.url, 'SELECT pg_promote()');
  }

  async stop(): Promise<void> {
    await this.standby.stop();
    await this.primary.kill().catch(() => {});
  }
}

/** The primary runs before its standby looks for it. */
const startFollowing =
  (primary: OwnServer): typeof startPostgres =>
  async (options) => {
    await primary.startAgain();
    return startPostgres(options);
  };

const partsOf = (url: string) => {
  const { hostname: host, port, password } = new URL(url);
  return { host, port, password };
};
