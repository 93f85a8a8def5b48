// `ops/backup.sh`: starts a backup and follows it, or lists those that there are.
import { SetId } from '../../activities/backup/manifest';
import {
  BACKUP_PARTS,
  type BackupKind,
  type BackupPart,
  type BackupResult,
  backupWorkflowId,
} from '../../workflows/contracts/backup';
import { type Command, printDocument, readOptions, runCommand, WrongUsage } from '../command';
import { bytes, duration } from './amounts';
import { EXIT } from './exit';
import { because, documentOf, exitCodeOf, follow } from './follow';
import { createProgressView } from './progress-view';
import { connect, ensureRunning } from './running';
import { type Run, startBackup } from './runs';
import { describeSets } from './set-list';
import { readSets } from './sets';
import { openBackupStore } from './settings';

const HELP = `ops/backup.sh: makes a backup and follows it to its end. It goes on when this command is interrupted.

  ops/backup.sh                          everything, by itself
  ops/backup.sh --type incr              what has changed since the last one
  ops/backup.sh --db --type incr         the database alone
  ops/backup.sh --redis --files
  ops/backup.sh --list                   the backups that there are
  ops/backup.sh --follow 20260123T180000Z

  --db, --redis, --files   these parts; without any of them all three
  --type full|incr         full (by itself) unless given
  --no-wait                refuses (3) while a restore, an erasure or another operation runs, instead of waiting
  --list                   id, kind, age and sizes, the newest last; needs nothing that runs
  --follow ID              one that runs, or its end
  --json                   prints one JSON document on standard output
  --help                   this text

Finds what \`npm start\` runs in this folder, else reads TEMPORAL_* (and BACKUP_URL, SECRET_KEY for --list).
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused; 130 interrupted, the backup goes on.`;

const EXAMPLE = 'For example: ops/backup.sh --db --type incr (all of it: ops/backup.sh --help)';

const OPTIONS = {
  db: { type: 'boolean', default: false },
  redis: { type: 'boolean', default: false },
  files: { type: 'boolean', default: false },
  type: { type: 'string' },
  'no-wait': { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  follow: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const backupCommand: Command = {
  help: HELP,
  usage: EXAMPLE,
  failed: EXIT.failed,
  async run(args) {
    const { values } = readOptions({ args, options: OPTIONS });
    const given = Object.keys(values).filter((name) => name !== 'json' && values[name as keyof typeof values]);
    for (const alone of ['list', 'follow']) {
      if (given.includes(alone) && given.length > 1) throw new WrongUsage(`--${alone} goes with --json alone.`);
    }
    if (values.list) return list(values.json);
    if (values.follow !== undefined) return followSet(readSetId(values.follow), values.json);
    const kind = readKind(values.type);
    const temporal = await ensureRunning();
    const setId = await startBackup(temporal, {
      kind,
      parts: partsOf(values),
      ...(values['no-wait'] ? { noWait: true } : {}),
    });
    return followSet(setId, values.json, temporal);
  },
};

async function list(json: boolean): Promise<number> {
  const { url, backups } = openBackupStore();
  const sets = await readSets(backups, backups.signer);
  if (json) printDocument(sets);
  else
    console.log(sets.length > 0 ? describeSets(sets) : `There is no backup under ${url} yet: ops/backup.sh makes one.`);
  return EXIT.done;
}

async function followSet(setId: string, json: boolean, started?: Awaited<ReturnType<typeof connect>>): Promise<number> {
  const temporal = started ?? (await connect());
  const view = createProgressView();
  if (started) view.say(`Backup ${setId}`);
  const run = await follow({
    temporal,
    workflowId: backupWorkflowId(setId),
    title: `Backup ${setId}`,
    again: `ops/backup.sh --follow ${setId}`,
    view,
  });
  if (json) printDocument(documentOf(setId, run));
  else tell(setId, run as Run<string, BackupResult>);
  return exitCodeOf(run);
}

function tell(setId: string, { status, result, problem, startedAt, finishedAt }: Run<string, BackupResult>): void {
  if (status !== 'done') console.error(`Backup ${setId} is not done, ${status}${because(problem)}`);
  if (status !== 'done' || !result) return;
  const took = finishedAt ? `, after ${duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)}` : '';
  console.log(
    `Backup ${setId} is done${took}: ${result.kind}, ${bytes(result.size)} backed up, ${bytes(result.stored)} added, ${result.walChecked} segments of the log checked.`,
  );
  if (result.pruned.length > 0) console.log(`Gone by age: ${result.pruned.join(', ')}`);
}

function partsOf({ db, redis, files }: Record<'db' | 'redis' | 'files', boolean>): BackupPart[] {
  const chosen: BackupPart[] = [
    ...(db ? (['postgres'] as const) : []),
    ...(redis ? (['redis'] as const) : []),
    ...(files ? (['files'] as const) : []),
  ];
  return chosen.length > 0 ? chosen : [...BACKUP_PARTS];
}

function readKind(given = 'full'): BackupKind {
  if (given === 'full' || given === 'incr') return given;
  throw new WrongUsage(`--type is full or incr, not ${given}.`);
}

function readSetId(given: string): string {
  if (SetId.safeParse(given).success) return given;
  throw new WrongUsage(`--follow takes the id of a backup, like 20260123T180000Z, not ${given}.`);
}

if (require.main === module) runCommand(backupCommand);
