// What the repository holds, as `pgbackrest info` tells it. Its exit code and its `error: false` say nothing of a damage.
import { z } from 'zod';
import type { PgBackRest } from './pgbackrest';

const Backup = z.object({
  label: z.string(),
  type: z.enum(['full', 'diff', 'incr']),
  prior: z.string().nullable(),
  reference: z.array(z.string()).nullable(),
  error: z.boolean().nullish(),
  archive: z.object({ start: z.string(), stop: z.string() }),
  lsn: z.object({ start: z.string(), stop: z.string() }),
  /** Seconds since 1970. */
  timestamp: z.object({ start: z.number(), stop: z.number() }),
  /** Bytes: of the cluster, and of all that the repository holds for it. */
  info: z.object({
    size: z.number(),
    delta: z.number(),
    repository: z.object({ size: z.number(), delta: z.number() }),
  }),
  database: z.object({ id: z.number() }),
});

const Stanza = z.object({
  status: z.object({
    code: z.number(),
    message: z.string(),
    lock: z.object({ backup: z.object({ held: z.boolean() }) }),
  }),
  repo: z.array(z.object({ status: z.object({ code: z.number(), message: z.string() }) })),
  db: z.array(z.object({ id: z.number(), version: z.string(), 'system-id': z.string() })),
  archive: z.array(
    z.object({
      id: z.string(),
      min: z.string().nullable(),
      max: z.string().nullable(),
      database: z.object({ id: z.number() }),
    }),
  ),
  backup: z.array(Backup),
});

export type RepositoryBackup = z.infer<typeof Backup>;
export type RepositoryInfo = z.infer<typeof Stanza>;

/**
 * From when on recovery can stop at a moment, in ISO 8601. pgBackRest tells the second in which it stopped: what was committed in
 * that second may come before the backup is consistent.
 */
export const endOf = ({ timestamp }: Pick<RepositoryBackup, 'timestamp'>): string =>
  new Date((timestamp.stop + 1) * 1000).toISOString();

const OK = 0;
/** A stanza that is there and holds no backup yet. */
const NO_BACKUP = 2;
const UNREADABLE = 99;

export class RepositoryTrouble extends Error {
  override name = 'RepositoryTrouble';
  /** @param code pgBackRest's: 1 to 3 nothing there, 99 unreadable (a wrong passphrase too) */
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(`The repository can't be used (${code}): ${message}`);
  }
}

/** Throws RepositoryTrouble where it can't be read, or there is none. */
export async function readRepository(pgbackrest: PgBackRest, signal?: AbortSignal): Promise<RepositoryInfo> {
  const text = await pgbackrest.run('info', ['--output=json'], { signal });
  // 64 bits, more than a number of JSON keeps here.
  const answer = parse(text.replace(/"system-id":(\d+)/g, '"system-id":"$1"'));
  if (answer.length === 0) throw new RepositoryTrouble(1, 'there is none');
  const found = Stanza.parse(answer[0]);
  const [repo] = found.repo;
  // The second says only that there is one.
  const worst = [...(repo ? [repo.status] : []), found.status].find(({ code }) => code !== OK && code !== NO_BACKUP);
  if (worst) throw new RepositoryTrouble(worst.code, worst.message.replace(/[^ -~]+/g, ' ').slice(0, 200));
  return found;
}

/** With a wrong passphrase it repeats what it read, and that is no text. */
function parse(text: string): unknown[] {
  try {
    return JSON.parse(text.replace(/\p{Cc}/gu, ' ')) as unknown[];
  } catch {
    throw new RepositoryTrouble(UNREADABLE, 'its description is no text: CryptoError, or it is damaged');
  }
}
