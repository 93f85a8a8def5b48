// How `ops/restore.sh` is called: its options, its help, and the target that they name.
import { SetId } from '../../activities/backup/manifest';
import type { RestoreTarget } from '../../workflows/contracts/restore';
import { WrongUsage } from '../command';
import { readTime } from './local-time';
import { isSetUrl } from './set-url';

export const HELP = `ops/restore.sh: restores beside the running database, checks, asks, and only then switches.

  ops/restore.sh --from-s3 latest                      the newest backup
  ops/restore.sh --pitr "2026-01-23 18:00:00"          that second, in this machine's zone
  ops/restore.sh --pitr "2026-01-23 18:00:00+01:00"    or with its offset (Z: UTC)
  ops/restore.sh --pitr "2026-01-23 18:00" --dry-run   whether it could be done, and how
  ops/restore.sh --from-s3 s3://bucket/prefix/sets/20260123T180000Z
  ops/restore.sh --lost                                then: what had been acknowledged and is gone
  ops/restore.sh --reconcile                           then: each draft back to its true state, and mail goes out again

What to restore:
  --from-s3 WHICH     latest, the id of a set, or the URL (s3://, file://) of a set or its manifest; latest unless given
  --pitr TIME         to this time; without it latest goes to the end of all that is archived, a set to its own end
  --before ID         to the restore point that an operation recorded before it began
  --dry-run           only looks whether it could be done
  --yes               switches, or adopts, without asking

One that is under way:
  --follow ID         goes on following it, and asks where it waits
  --abort ID          gives it up; what runs is left as it is

Afterwards; without an ID the newest restore:
  --lost [ID]         what is gone
  --reconcile [ID]    brings drafts back to their true state, and lets mail out
  --accept-loss [ID]  the same with what is known, where the rest can't be found
  --undo [ID]         back to the database that lived before

A database whose mail is held, because it went back in time, was moved, or is a copy (docs/rewind.md):
  --adopt             it is the one that goes on: what may have left is parked, and mail goes out again
  --adopt --moved     nothing was lost, only Temporal, BACKUP_URL or the server is another
  --adopt --clone     it is a copy: nothing of it leaves, and its keys end

  --drill             restores the newest backup into a database that is thrown away: PROVEN, or NOT PROVEN and exit code 1

  --json              prints one JSON document on standard output
  --help              this text

Finds what \`npm start\` runs in this folder, else reads TEMPORAL_* (and BACKUP_URL, SECRET_KEY to find the newest restore, DATABASE_URL to adopt).
Exit codes: 0 done, 1 failed or given up, 2 wrong usage, 3 refused, with nothing touched; 130 interrupted, the restore goes on.`;

export const OPTIONS = {
  'from-s3': { type: 'string' },
  pitr: { type: 'string' },
  before: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  lost: { type: 'boolean', default: false },
  reconcile: { type: 'boolean', default: false },
  'accept-loss': { type: 'boolean', default: false },
  undo: { type: 'boolean', default: false },
  abort: { type: 'string' },
  follow: { type: 'string' },
  adopt: { type: 'boolean', default: false },
  moved: { type: 'boolean', default: false },
  clone: { type: 'boolean', default: false },
  drill: { type: 'boolean', default: false },
} as const;

export interface RestoreOptions {
  'from-s3'?: string;
  pitr?: string;
  before?: string;
  'dry-run': boolean;
  yes: boolean;
  json: boolean;
  drill: boolean;
  moved: boolean;
  clone: boolean;
}

const TARGETS = ['from-s3', 'pitr', 'before', 'dry-run'] as const;
/** As workflows and restore points are named. */
export const OPERATION_ID = /^[A-Za-z0-9][\w.:-]{0,199}$/;

/** @param mode what is asked for in place of a restore */
export function readTarget(values: RestoreOptions, mode: string | undefined): RestoreTarget {
  const given = TARGETS.filter((name) => values[name]);
  const { 'from-s3': from = 'latest', pitr, before } = values;
  if (mode !== undefined) {
    if (given.length > 0) throw new WrongUsage(`--${given[0]} does not go with --${mode}.`);
    return { from };
  }
  if (given.every((name) => name === 'dry-run')) {
    throw new WrongUsage('Say what to restore: --from-s3 latest for the newest backup, or --pitr for a time.');
  }
  if (pitr !== undefined && before !== undefined) throw new WrongUsage('--pitr and --before are one or the other.');
  if (before !== undefined && !OPERATION_ID.test(before))
    throw new WrongUsage(`--before takes the id of an operation, not ${before}.`);
  const target = { from: readFrom(from), ...(before === undefined ? {} : { before }) };
  if (pitr === undefined) return target;
  const { utc, local } = readTime(pitr);
  console.error(`Restoring to ${local}, which is ${utc}.`);
  return { ...target, time: utc };
}

function readFrom(given: string): string {
  const isUrl = isSetUrl(given, ['s3:', 'file:']);
  if (given === 'latest' || SetId.safeParse(given).success || isUrl) return given;
  throw new WrongUsage(
    `--from-s3 takes latest, the id of a set like 20260123T180000Z, or an s3:// or file:// URL without \`@\`, \`?\` and \`#\`, not ${given}.`,
  );
}
