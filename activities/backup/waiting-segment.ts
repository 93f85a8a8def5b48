// pgBackRest waits for the end of a backup's log to arrive, and gives up without a reason: what keeps it, the archive command
// has told nobody but PostgreSQL. So the segment that waits is pushed once more, by hand.
import { join } from 'node:path';
import { livingCluster } from '../../ops/local/clusters';
import { EXIT, PgBackRestError } from '../../ops/pgbackrest/pgbackrest';
import { readOldestWaiting } from '../../ops/pgbackrest/waiting-log';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { Database } from '../../prisma/client';
import { StepTrouble } from './troubles';

/** Takes nothing from the archive command: a segment that is there already is compared, and kept. @returns what is to be thrown */
export async function findWhatKeepsLog(
  { tools, db }: { tools: RecoveryTools; db: Database },
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof PgBackRestError) || error.exitCode !== EXIT.logNotArchived) return error;
  const segment = await readOldestWaiting((sql) => db.$queryRawUnsafe(sql));
  if (segment) {
    const path = join(livingCluster(tools.host.home), 'pg_wal', segment);
    await tools.pgbackrest.run('archive-push', [path], { signal });
  }
  return new StepTrouble(
    'log_not_archived',
    `The end of the log does not arrive, though pgBackRest itself can push it: look at archive_command, and at what PostgreSQL's own log says of it (${error.said.split('\n', 1)[0]?.slice(0, 200)})`,
  );
}
