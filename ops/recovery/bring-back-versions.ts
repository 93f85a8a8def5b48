// `node dist/ops/recovery/bring-back-versions.js`: after somebody deleted or overwrote backups in a bucket that keeps versions.
import { parseArgs } from 'node:util';
import { ConfigurationError, readSettings } from '../runtime/configuration';
import { bringBackVersions, Refused } from './versions';

const HELP = `Brings every object below BACKUP_URL back to its newest version before a time: what was deleted since is there
again, and what was overwritten is as it was. No version is removed but the marks of deletion.

  node dist/ops/recovery/bring-back-versions.js --before 2026-01-31T12:00:00Z

Take the rights from whoever did it first. Reads BACKUP_URL and AWS_*; needs s3:ListBucketVersions, s3:GetObjectVersion,
s3:PutObject and s3:DeleteObjectVersion.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused.`;

const EXIT = { done: 0, failed: 1, usage: 2, refused: 3 } as const;
const CREDENTIALS = /AccessDenied|SignatureDoesNotMatch|ExpiredToken|InvalidAccessKeyId|InvalidToken|Forbidden/;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { before: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(HELP);
    return EXIT.done;
  }
  const before = new Date(values.before ?? '');
  if (!values.before || Number.isNaN(before.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(values.before)) {
    console.error(`--before is a time with its zone, for instance 2026-01-31T12:00:00Z.\n\n${HELP}`);
    return EXIT.usage;
  }
  const { BACKUP_URL } = readSettings(['BACKUP_URL'], process.env);
  const { undeleted, overwritten } = await bringBackVersions(BACKUP_URL, before);
  console.log(`Brought back: ${undeleted} that had been deleted, ${overwritten} that had been overwritten.`);
  return EXIT.done;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error & { code?: string }) => {
    const isUsage = String(error.code).startsWith('ERR_PARSE_ARGS');
    const isKnown = isUsage || error instanceof Refused || error instanceof ConfigurationError;
    const refused = CREDENTIALS.test(error.name)
      ? `credentials_refused: the object store refuses the credentials, which may have expired: renew AWS_* (${error.name})`
      : null;
    // A message of the SDK may repeat an access key.
    console.error(refused ?? (isKnown ? error.message : `Failed: ${error.name}`));
    process.exitCode = isUsage ? EXIT.usage : refused || error instanceof Refused ? EXIT.refused : EXIT.failed;
  },
);
