// `node dist/ops/recovery/bring-back-versions.js`: after somebody deleted or overwrote backups in a bucket that keeps versions.
import { type Command, CommandFailed, readOptions, runCommand, WrongUsage } from '../command';
import { readSettings } from '../runtime/configuration';
import { EXIT } from './exit';
import { bringBackVersions } from './versions';

const HELP = `Brings every object below BACKUP_URL back to its newest version before a time: what was deleted since is there
again, and what was overwritten is as it was. No version is removed but the marks of deletion.

  node dist/ops/recovery/bring-back-versions.js --before 2026-01-31T12:00:00Z

Take the rights from whoever did it first. Reads BACKUP_URL and AWS_*; needs s3:ListBucketVersions, s3:GetObjectVersion,
s3:PutObject and s3:DeleteObjectVersion.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused.`;

const CREDENTIALS = /AccessDenied|SignatureDoesNotMatch|ExpiredToken|InvalidAccessKeyId|InvalidToken|Forbidden/;

const bringBackCommand: Command = {
  help: HELP,
  usage: `\n${HELP}`,
  failed: EXIT.failed,
  async run(args) {
    const { values } = readOptions({ args, options: { before: { type: 'string' } } });
    const before = new Date(values.before ?? '');
    if (!values.before || Number.isNaN(before.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(values.before)) {
      throw new WrongUsage('--before is a time with its zone, for instance 2026-01-31T12:00:00Z.');
    }
    const { BACKUP_URL } = readSettings(['BACKUP_URL'], process.env);
    const { undeleted, overwritten } = await bringBackVersions(BACKUP_URL, before).catch(refuse);
    console.log(`Brought back: ${undeleted} that had been deleted, ${overwritten} that had been overwritten.`);
    return EXIT.done;
  },
};

function refuse(error: Error): never {
  if (!CREDENTIALS.test(error.name)) throw error;
  // A message of the SDK may repeat an access key.
  throw new CommandFailed(
    'credentials_refused',
    `credentials_refused: the object store refuses the credentials, which may have expired: renew AWS_* (${error.name})`,
    EXIT.refused,
  );
}

runCommand(bringBackCommand);
