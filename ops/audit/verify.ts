// `npm run audit:verify`: whether the audit trail is what was written, in the database or in an export.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { readAnchors } from '../../activities/audit-trail/anchors';
import { verifyExport } from '../../activities/audit-trail/export';
import { createSigner, createVerifier, type Verifier } from '../../activities/audit-trail/signatures';
import { isUnchecked, type Verification, verifyTrail } from '../../activities/audit-trail/verify';
import { createDatabase } from '../../prisma/client';
import { type Command, printDocument, readOptions, runCommand, WrongUsage } from '../command';
import { openObjectStore } from '../runtime/object-store';
import { createProgress, EXIT, unlessUnchecked } from './command';
import { ONE_CONNECTION, requireDatabase } from './connection';
import { findSecretKeys, readAuditSettings } from './settings';

const HELP = `npm run audit:verify: recomputes the hash chain of the audit trail and holds it to its anchors.

  npm run audit:verify                                   the database, and the anchors under BACKUP_URL
  npm run --silent audit:verify -- --json   (npm prints a line of its own otherwise)
  npm run audit:verify -- --file audit.jsonl             an export, without any database
  npm run audit:verify -- --file audit.jsonl --anchors /mnt/backup/audit/anchors --public-key "$KEY"
  npm run audit:verify -- --show-public-key              what others need to verify

  --file FILE          an export of \`npm run audit:export\`
  --anchors FOLDER     a copy of audit/anchors/ of BACKUP_URL; without it a chain that was made anew is not noticed
  --public-key KEY     base64, several with commas between; else the keys of SECRET_KEY
  --show-public-key    prints it: of each key of SECRET_KEY, the one that signs first
  --json               prints one JSON document
  --help               this text

Reads DATABASE_URL, BACKUP_URL and SECRET_KEY, or finds what \`npm start\` runs in this folder.
Exit codes: 0 whole, 1 broken, 2 wrong usage, 3 could not be checked.
It can't be checked while a store is away, anchors are gone, or a key that is not known here has signed.`;

const OPTIONS = {
  file: { type: 'string' },
  anchors: { type: 'string' },
  'public-key': { type: 'string' },
  'show-public-key': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const KEY_REMEDY =
  'While SECRET_KEY is rotated, add the new key after a comma, and verify again. If nobody rotates a key, somebody has forged a signature.';

type Result = Omit<Verification, 'unsealed'> & Partial<Pick<Verification, 'unsealed'>>;

export const verifyCommand: Command = {
  help: HELP,
  usage: `\n${HELP}`,
  failed: EXIT.unchecked,
  async run(args) {
    const { values } = readOptions({ args, options: OPTIONS });
    if (values.anchors && !values.file) throw new WrongUsage('--anchors goes with --file.');
    if (values['show-public-key']) {
      const { SECRET_KEY } = readAuditSettings();
      console.log(createSigner(SECRET_KEY).publicKeys.join(','));
      return EXIT.done;
    }
    const result = await unlessUnchecked(
      values.file
        ? verifyFile(values.file, values.anchors, values['public-key'])
        : verifyDatabase(values['public-key']),
    );
    if (values.json) printDocument(result);
    else console.log(describe(result));
    if (isUnchecked(result)) return EXIT.unchecked;
    return result.ok ? EXIT.done : EXIT.broken;
  },
};

async function verifyDatabase(publicKey: string | undefined): Promise<Result> {
  const settings = readAuditSettings();
  const verifier = publicKey ? readPublicKeys(publicKey) : createSigner(settings.SECRET_KEY);
  await requireDatabase(settings.DATABASE_URL);
  const { db, close } = createDatabase({ ...settings, ...ONE_CONNECTION });
  try {
    const store = openObjectStore(settings.BACKUP_URL);
    return await verifyTrail({ db, store, verifier }, createProgress('verified'));
  } finally {
    await close();
  }
}

async function verifyFile(file: string, anchors: string | undefined, publicKey: string | undefined): Promise<Result> {
  await unlessMissing(file, '--file');
  if (anchors) await unlessMissing(anchors, '--anchors');
  const keys = findSecretKeys();
  const verifier = publicKey ? readPublicKeys(publicKey) : keys && createSigner(keys);
  if (anchors && !verifier) throw new WrongUsage('--anchors needs --public-key, or SECRET_KEY.');
  const store = anchors ? openObjectStore(pathToFileURL(resolve(anchors)).href) : null;
  const found = await verifyExport({
    lines: createInterface({ input: createReadStream(file) }),
    anchors: store && verifier && ((from) => readAnchors(store, verifier, from, '')),
    verifier,
    progress: createProgress('verified'),
  });
  const reason = found.broken?.fault ?? (found.unknownKeys.length > 0 ? 'key_unknown' : null);
  return {
    ok: reason === null,
    checked: found.checked,
    anchors: found.anchors,
    head: { position: Number(found.head.position), hash: Buffer.from(found.head.hash).toString('hex') },
    firstBroken: found.broken && Number(found.broken.position),
    reason,
    unknownKeys: found.unknownKeys,
  };
}

function readPublicKeys(given: string): Verifier {
  try {
    return createVerifier(given.split(','));
  } catch {
    throw new WrongUsage('--public-key is 32 bytes in base64, as --show-public-key prints it.');
  }
}

async function unlessMissing(path: string, option: string): Promise<void> {
  await stat(path).catch(() => {
    throw new WrongUsage(`${option}: there is no ${path}.`);
  });
}

function verdictOf({ ok, checked, anchors, firstBroken, reason, unknownKeys }: Result): string {
  if (ok) return `The audit trail is whole: ${checked} events, held to ${anchors} anchors.`;
  if (reason === 'anchors_missing') return 'Could not check: anchors that were written are not in the store.';
  if (reason === 'key_unknown') {
    return `Could not check: keys that are not known here have signed (${unknownKeys.join(', ')}). The chain agrees with what they signed, and with ${anchors} verified anchors.`;
  }
  return `The audit trail is BROKEN at position ${firstBroken}: ${reason}.`;
}

function describe(result: Result): string {
  const { ok, anchors, head, unknownKeys, unsealed } = result;
  const lines = [verdictOf(result), `Head: position ${head.position}, ${head.hash}`];
  if (unknownKeys.length > 0) lines.push(`Keys that are not known here: ${unknownKeys.join(', ')}. ${KEY_REMEDY}`);
  if (ok && anchors === 0) lines.push('No anchor was met: a chain that was made anew would look the same.');
  if (unsealed?.events)
    lines.push(`Not sealed yet: ${unsealed.events} events, the oldest for ${unsealed.oldestSeconds} s.`);
  return lines.join('\n');
}

if (require.main === module) runCommand(verifyCommand);
