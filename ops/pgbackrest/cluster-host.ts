// The machine's part in PostgreSQL: where its clusters lie, with which programs and as which user they run.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgres } from '../local/binaries/postgres';
import { livingCluster } from '../local/clusters';
import { type UnprivilegedUser, unprivilegedUser } from '../local/unprivileged-user';

export interface ClusterHost {
  /** Holds the clusters side by side, and the pointer to the one that lives. */
  home: string;
  /** Of PostgreSQL's programs. */
  bin: string;
  major: number;
  /** Null where this process is no root, and runs everything itself. */
  user: UnprivilegedUser | null;
  host: string;
  port: number;
  role: string;
  password: string;
  database: string;
}

/** @param major of the data that is to be read, where no cluster is there yet */
export async function findClusterHost(home: string, databaseUrl: string, major?: number): Promise<ClusterHost> {
  const url = new URL(databaseUrl);
  const version = join(livingCluster(home), 'PG_VERSION');
  const wanted = major ?? (existsSync(version) ? Number.parseInt(readFileSync(version, 'utf8'), 10) : null);
  const binaries = await findPostgres(wanted);
  return {
    home,
    ...binaries,
    user: await unprivilegedUser([join(binaries.bin, 'postgres'), home]),
    host: url.searchParams.get('host') ?? url.hostname,
    port: Number(url.port || 5432),
    role: decodeURIComponent(url.username) || 'postgres',
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || 'countersign',
  };
}

/** How to run a program as the clusters' own user. */
export const asClusterUser = ({ user }: Pick<ClusterHost, 'user'>, program: string, args: string[]) =>
  user ? user.command(program, args) : { command: program, args };
