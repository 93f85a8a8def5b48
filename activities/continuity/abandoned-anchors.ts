// Finds audit anchors of commits that this database lost, and declares them abandoned once it is adopted.
import type { SignedStore } from '../../ops/runtime/signed-store';
import type { Database } from '../../prisma/client';
import { readAnchors } from '../audit-trail/anchors';
import { GENESIS } from '../audit-trail/canonical';
import { ANCHORS_FOLDER, writeRestoration } from '../audit-trail/restorations';
import { readHash, readHead } from '../audit-trail/seal';
import type { Signer, Verifier } from '../audit-trail/signatures';
import { listSoundRecords } from '../restore/records';
import { listSoundAdoptions } from './adoption-records';

export interface AnchorSources {
  db: Database;
  /** Below BACKUP_URL. */
  backups: SignedStore;
}

export interface OtherAnchor {
  position: bigint;
  at: Date;
  /** True if the database has a different event at that position, false if it has none. */
  isContradicted: boolean;
}

/** Yields, in order, genuine anchors newer than the newest that the database remembers, if its own chain differs. */
export async function* findOtherAnchors(
  { db, backups }: AnchorSources,
  verifier: Verifier,
): AsyncIterable<OtherAnchor> {
  const { anchored } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
  const anchors = readAnchors(backups, verifier, anchored, ANCHORS_FOLDER, await findOldestRestart(backups, anchored));
  for await (const { position, hash, at, standing } of anchors) {
    if (standing !== 'genuine') continue;
    const own = await readHash(db, position);
    if (own === null || Buffer.from(own).toString('hex') !== hash) {
      yield { position, at, isContradicted: own !== null };
    }
  }
}

/** Returns the position of the last event that the anchors and the database have in common. */
export async function findLastCommon(sources: AnchorSources, verifier: Verifier): Promise<bigint> {
  const { position: head } = await readHead(sources.db);
  for await (const { position } of findOtherAnchors(sources, verifier)) return position <= head ? position - 1n : head;
  return head;
}

/** Writes a signed declaration beside them. Idempotent. @param common as `findLastCommon` found it */
export async function abandonOtherAnchors(sources: AnchorSources, signer: Signer, common: bigint): Promise<void> {
  const last = { position: 0n, at: new Date(0) };
  for await (const { position, at } of findOtherAnchors(sources, signer)) {
    Object.assign(last, { position, at: last.at > at ? last.at : at });
  }
  if (last.position === 0n) return;
  const hash = common === 0n ? GENESIS : await readHash(sources.db, common);
  if (!hash) throw new Error(`The audit trail has no seal at position ${common}`);
  await writeRestoration(sources.backups, signer, { position: common, hash }, last.position, last.at);
}

/** Returns the oldest position from which a restore or an adoption declared anchors abandoned. */
async function findOldestRestart(backups: SignedStore, anchored: bigint): Promise<bigint> {
  const heads = (await listSoundRecords(backups)).map(({ head }) => BigInt(head.position));
  for (const { position } of await listSoundAdoptions(backups)) heads.push(BigInt(position));
  return heads.reduce((oldest, head) => (head < oldest ? head : oldest), anchored);
}
