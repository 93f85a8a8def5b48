// Which set a restore begins with: the one that was named, or the newest that ends before the target.

import type { RecoveryTools } from '../../ops/recovery/tools';
import { listSets, type Manifest, ManifestBroken, readManifest, SETS } from '../backup/manifest';
import { refusal } from './refusal';

export type WholeManifest = Manifest & { postgres: NonNullable<Manifest['postgres']> };
type Source = Pick<RecoveryTools, 'backups' | 'signer' | 'settings'>;

/**
 * @param from `latest`, a set's id, or the URL of a set or of its manifest
 * @param leadsThere whether a set counts as the latest
 */
export async function chooseSet(
  source: Source,
  from: string,
  until: Date | null,
  leadsThere: (set: WholeManifest) => boolean = () => true,
): Promise<WholeManifest> {
  return from === 'latest' ? newestUntil(source, until, leadsThere) : namedSet(source, toSetId(source, from), until);
}

function toSetId({ settings }: Source, from: string): string {
  const id = /(?:^|\/)(\d{8}T\d{6}Z)(?:\/(?:manifest\.json)?)?$/.exec(from)?.[1];
  const place = settings.BACKUP_URL.replace(/\/+$/, '');
  if (!id)
    throw refusal(
      'no_such_set',
      `${from} names no set: give \`latest\`, or an id as \`ops/backup.sh --list\` shows it.`,
    );
  if (from !== id && !from.startsWith(`${place}/${SETS}${id}`) && !from.startsWith(`${SETS}${id}`)) {
    throw refusal(
      'elsewhere',
      `${from} does not lie below BACKUP_URL (${place}): set BACKUP_URL to where the backups lie.`,
    );
  }
  return id;
}

async function namedSet(source: Source, id: string, until: Date | null): Promise<WholeManifest> {
  const manifest = await readSound(source, id);
  if (!manifest)
    throw refusal('no_such_set', `There is no set ${id}: \`ops/backup.sh --list\` shows those that there are.`);
  if (!hasDatabase(manifest))
    throw refusal('no_such_set', `The set ${id} holds no database: it was made without --db.`);
  if (until && new Date(manifest.postgres.stoppedAt) > until) {
    throw refusal(
      'before_first_backup',
      `The set ${id} ends at ${manifest.postgres.stoppedAt}, after the target: take an earlier one, or \`latest\`.`,
    );
  }
  return manifest;
}

async function newestUntil(
  source: Source,
  until: Date | null,
  leadsThere: (set: WholeManifest) => boolean,
): Promise<WholeManifest> {
  let earliest: WholeManifest | null = null;
  for (const id of (await listSets(source.backups)).reverse()) {
    const manifest = await readSound(source, id);
    if (!manifest || !hasDatabase(manifest) || !leadsThere(manifest)) continue;
    if (!until || new Date(manifest.postgres.stoppedAt) <= until) return manifest;
    earliest = manifest;
  }
  if (!earliest) throw refusal('no_backup', `There is no backup of the database below ${source.settings.BACKUP_URL}.`);
  const { id, postgres } = earliest;
  throw refusal(
    'before_first_backup',
    `The first backup (${id}) ends at ${postgres.stoppedAt}: nothing before that can be restored.`,
  );
}

async function readSound({ backups, signer }: Source, id: string): Promise<Manifest | null> {
  try {
    return await readManifest(backups, signer, id);
  } catch (error) {
    if (!(error instanceof ManifestBroken)) throw error;
    if (error.reason === 'unknown_key') {
      throw refusal(
        'wrong_key',
        `The manifest of ${id} was signed with another SECRET_KEY: set the SECRET_KEY of that installation, or add its new key after a comma.`,
      );
    }
    throw refusal(
      'broken_manifest',
      error.reason === 'signature'
        ? `The manifest of ${id} was changed after it had been signed. Name another set.`
        : `The manifest of ${id} can't be read: it has been damaged. Name another set.`,
    );
  }
}

const hasDatabase = (manifest: Manifest): manifest is WholeManifest => manifest.postgres !== null;
