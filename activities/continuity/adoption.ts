// Carries out the steps of an adoption (workflows/adoption.ts). Each step is idempotent.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { StoreTools } from '../../ops/recovery/tools';
import type { Database } from '../../prisma/client';
import type { AdoptedAs, AdoptionPlan, AdoptionResult } from '../../workflows/contracts/adoption';
import { MAIL_LANE, type Watermark } from '../../workflows/contracts/lane';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import type { Signer } from '../audit-trail/signatures';
import { readCatalogue } from '../backup/sets';
import { beating } from '../beating';
import { recordEvent } from '../commands/audit';
import { UNCONFIRMED } from '../commands/failure-codes';
import { type ReplayDependencies, replayLedger } from '../erasure-ledger/replay';
import { readWatermark } from '../lane/watermark';
import { putFilesBack } from '../restore/files';
import { requireOwnRecords } from '../restore/own-records';
import { refusal } from '../restore/refusal';
import { beginNewLife, endAsKnown, findLost, markSent, releaseLanes } from '../rewind';
import { contextOfRestore, readChapter, readLife, requireLife } from '../rewind/life';
import { parkAll, wouldLeave } from '../rewind/park';
import { abandonOtherAnchors, findLastCommon } from './abandoned-anchors';
import { readAdoption, writeAdoption, writeLostOfAdoption } from './adoption-records';
import { breakAway } from './clone';
import { readHeld } from './hold';
import { type LookBackSources, lookBack } from './look-back';
import { readNeighbours, settleWith } from './neighbours';
import { requireLedger, requireNothingLost, requireOwnNeighbours } from './preconditions';

export interface AdoptionDependencies extends LookBackSources {
  signer: Signer;
  erasures: ReplayDependencies;
  /** Null if this installation makes no backups. */
  tools: StoreTools | null;
}

export interface Adopting {
  adoptionId: string;
  as: AdoptedAs;
  /** Since when mail of that database is held, ISO 8601: a copy of it has been held since another moment, or not at all. */
  heldAt: string;
}

export type AdoptionActivities = ReturnType<typeof createAdoptionActivities>;

export function createAdoptionActivities(dependencies: AdoptionDependencies) {
  const { db, backups, temporal, signer, erasures, tools } = dependencies;

  /** Throws, for another worker to take it, if this is another database, or has been found out again. */
  async function requireHold({ heldAt }: Pick<Adopting, 'heldAt'>): Promise<string> {
    const held = await readHeld(db);
    if (held?.at.toISOString() === heldAt) return held.code;
    throw ApplicationFailure.retryable(
      'Mail of this database is held since another moment, or not at all.',
      'other_hold',
    );
  }

  return {
    /** Refuses before it changes anything. */
    planAdoption: ({ as, heldAt: asked }: Pick<Adopting, 'as'> & { heldAt: string | null }): Promise<AdoptionPlan> =>
      beating(async () => {
        if (asked === null) {
          throw refusal('not_held', 'Mail of this database is not held for a reason that an adoption ends.');
        }
        const heldCode = await requireHold({ heldAt: asked });
        await requireOwnRecords(backups);
        const { code } = await lookBack(dependencies);
        if (as === 'moved') {
          requireNothingLost([heldCode, code]);
          await requireLedger(dependencies);
        }
        if (as === 'clone') await requireOwnNeighbours(dependencies);
        const leaving = await db.draft.count({ where: { status: { in: ['approved', 'scheduled', 'sending'] } } });
        const waiting = await db.draft.count({ where: { status: { in: ['pending_review', 'changes_requested'] } } });
        return { as, code: heldCode, heldAt: asked, leaving, waiting };
      }),

    /** Begins a new generation, as a restore does. */
    beginAdoption: (given: Adopting): Promise<Pick<AdoptionResult, 'adoptionId' | 'generation'>> =>
      beating(async () => {
        const code = await requireHold(given);
        const known = await readWatermark({ temporal, backups }, MAIL_LANE);
        const { timeline } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
        // Continue an adoption that broke off: its begin recorded how far the database had come.
        const id = (await findBegun(db, known)) ?? given.adoptionId;
        // The database may have accepted commands since it went back, but it wrote no anchor.
        const { anchoredAt } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
        const { generation } = await beginNewLife({
          db,
          backups,
          restoreId: id,
          oldGeneration: known?.generation,
          noEarlierThan: anchoredAt ?? new Date(0),
          isAdoption: true,
        });
        const neighbours = await readNeighbours(dependencies);
        const record = (await readAdoption(backups, id)) ?? {
          id,
          at: new Date().toISOString(),
          as: 'rewound' as const,
          code,
          generation,
          previousTimeline: timeline ?? neighbours.timeline,
          timeline: neighbours.timeline,
          position: String(await findLastCommon({ db, backups }, signer)),
        };
        // Before the anchors are abandoned: afterwards nobody could tell the position.
        await writeAdoption(backups, record);
        await abandonOtherAnchors({ db, backups }, signer, BigInt(record.position));
        await settleWith(db, neighbours);
        return { adoptionId: id, generation };
      }),

    /** Ends drafts whose end is known elsewhere, and parks those that may have been sent or withdrawn in the lost time. */
    markAdopted: (given: Adopting): Promise<Pick<AdoptionResult, 'parked' | 'ended' | 'journalComplete'>> =>
      beating(async () => {
        await requireHold(given);
        const life = await requireLife(db);
        const ended = await endAsKnown(db, temporal, life);
        const { parked, complete } = await markSent({ db, backups, temporal });
        // Whoever decided after mail was held saw this database; older decisions may be ones that people changed in the lost time.
        const unconfirmed = await parkAll(db, wouldLeave(new Date(given.heldAt)), UNCONFIRMED);
        return { ended, parked: parked + unconfirmed, journalComplete: complete };
      }),

    /** Puts back attachments that the database names and that were removed since. Returns how many. */
    returnFiles: (given: Adopting): Promise<number> =>
      beating<number, StepBeat>(async (beat) => {
        await requireHold(given);
        if (!tools) return 0;
        const { sets } = await readCatalogue(tools, Context.current().cancellationSignal);
        const files = sets.findLast((set) => set.files)?.files;
        return files ? putFilesBack(tools, files, db, beat) : 0;
      }),

    replayErasures: (given: Adopting): Promise<void> =>
      beating(async () => {
        await requireHold(given);
        await replayLedger(erasures, { again: true });
      }),

    listLostOfAdoption: (given: Adopting): Promise<void> =>
      beating(async () => {
        await requireHold(given);
        const lost = await findLost({ restored: db, truth: null, backups, temporal });
        await writeLostOfAdoption(backups, given.adoptionId, lost);
      }),

    moveIn: (given: Adopting): Promise<void> =>
      beating(async () => {
        const heldCode = await requireHold(given);
        const { code, neighbours } = await lookBack(dependencies);
        requireNothingLost([heldCode, code]);
        await settleWith(db, neighbours);
      }),

    makeClone: (given: Adopting): Promise<Pick<AdoptionResult, 'generation' | 'withdrawn' | 'parked'>> =>
      beating(async () => {
        await requireHold(given);
        const away = await breakAway(db, given.adoptionId);
        await settleWith(db, await readNeighbours(dependencies));
        return away;
      }),

    /** Returns false if a restore that is not settled goes on holding mail. */
    releaseMail: (given: Adopting): Promise<Pick<AdoptionResult, 'released'>> =>
      beating(async () => {
        // The answer of an earlier attempt may have been lost.
        if (await hasReleased(db, given.adoptionId)) return { released: true };
        await requireHold(given);
        return db.$transaction(async (transaction) => {
          const tx = transaction as Database;
          await tx.instance.update({ where: { id: 1 }, data: { heldCode: null, heldAt: null } });
          const released = given.as !== 'moved' || !(await isUnsettled(tx));
          if (given.as === 'rewound') await releaseLanes(tx);
          else if (released) await tx.lane.updateMany({ data: { held: false } });
          await recordEvent(tx, contextOfRestore(given.adoptionId), {
            type: ADOPTED,
            subject: 'instance',
            subjectId: given.adoptionId,
            data: { as: given.as },
          });
          return { released };
        });
      }),
  };
}

const ADOPTED = 'instance.adopted';

const hasReleased = async (db: Database, adoptionId: string): Promise<boolean> =>
  (await db.auditEvent.count({ where: { type: ADOPTED, subjectId: adoptionId } })) > 0;

/** Returns the id of an adoption that has begun a life and not released its mail, unless mails are known to have left in it. */
async function findBegun(db: Database, known: Watermark | null): Promise<string | null> {
  const life = await readLife(db);
  const isNew = life !== null && life.generation > (known?.generation ?? 0);
  return life?.isAdoption && isNew && (await isUnsettled(db)) ? life.restoreId : null;
}

async function isUnsettled(db: Database): Promise<boolean> {
  const life = await readLife(db);
  return life !== null && !(await readChapter(db, life, 'released'));
}
