// The activities of an erasure (workflows/user-erasure.ts). Histories hear ids, codes and counts; null says that the row is
// gone: a restore of the database has undone the request.
import { uuidv7 } from 'uuidv7';
import { type Database, Prisma } from '../../prisma/client';
import type { Certification, ErasureState, ErasureStep, ScanSummary } from '../../workflows/contracts/user-erasure';
import { beating } from '../beating';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';
import type { Scan } from '../erasure-scan';
import { createScanPasses } from '../erasure-scan/pass';
import { shutOutNewHolds } from '../personal-data/erase-drafts';
import type { Subjects } from '../personal-data/subject';
import { type CertifierDependencies, createCertifier } from './certifier';
import { changeErasure, changeErasureWithin, type ErasureRule } from './change-erasure';
import { type ErasureRecord, readErasure, toState, unsealSubject } from './erasure-record';
import { settleLateContent } from './late-content';
import { createPreview } from './preview';
import { createSteps, type StepsDependencies } from './steps';
import { hasHoldEnded } from './stores/postgres/held-person';
import { withoutOthersFiles } from './stores/postgres/own-drafts';

export interface UserErasureDependencies extends StepsDependencies, Omit<CertifierDependencies, 'db'> {
  db: Database;
  subjects: Subjects;
  scan: Scan;
  databaseUrl: string;
  scanIntervalSeconds: number;
}

export function createUserErasureActivities(dependencies: UserErasureDependencies) {
  const { db, subjects, scan, databaseUrl, scanIntervalSeconds } = dependencies;
  const { takeStep, countWithheld } = createSteps(dependencies);
  const certify = createCertifier(dependencies);
  const passes = createScanPasses({
    db,
    index: dependencies.index,
    databaseUrl,
    scan,
    intervalSeconds: scanIntervalSeconds,
    subjectOf,
  });
  const { previewErasure, skipPreview } = createPreview(dependencies);
  const context = () => ({ actor: SYSTEM, requestId: uuidv7() });
  const change = async (requestId: string, rule: ErasureRule): Promise<ErasureState | null> =>
    stateOf(await changeErasure(db, context(), requestId, rule));

  async function subjectOf(requestId: string) {
    const record = await readErasure(db, requestId);
    const subject = record && unsealSubject(subjects, record);
    if (!subject) return null;
    const fingerprints = await withoutOthersFiles(db, subject.fingerprints, record.begunAt);
    return { email: subject.email, fingerprints };
  }

  return {
    async readErasureState(requestId: string): Promise<ErasureState | null> {
      const record = await readErasure(db, requestId);
      return record && toState(record);
    },

    previewErasure: async (requestId: string): Promise<ErasureState | null> =>
      beating(async () => stateOf(await previewErasure(requestId, context()))),

    /** After the preview has failed for too long: what nobody could ask must hold up no erasure. */
    skipPreview: async (requestId: string): Promise<ErasureState | null> =>
      stateOf(await skipPreview(requestId, context())),

    beginErasure: (requestId: string) =>
      change(requestId, ({ status, confirmedAt, graceUntil, now }) =>
        status === 'waiting' && (confirmedAt !== null || now >= graceUntil)
          ? { data: { status: 'erasing', begunAt: now }, event: 'erasure.begun' }
          : null,
      ),

    takeErasureStep: (step: ErasureStep): Promise<void> => beating((beat) => takeStep(step, beat)),

    /** A hold suspends it; else what is left is looked for. It stays `erasing` where a hold has ended meanwhile: a release
     *  waits for this, or is seen here, so that no erasure waits for one that has been. */
    async concludePurge(requestId: string): Promise<ErasureState | null> {
      const concluded = await db.$transaction(async (transaction) => {
        const tx = transaction as Database;
        await shutOutNewHolds(tx);
        const withheld = await countWithheld(tx, requestId);
        if (withheld > 0 && (await hasHoldEnded(tx, requestId))) return readErasure(tx, requestId);
        return changeErasureWithin(tx, context(), requestId, ({ status }) => {
          if (status !== 'erasing') return null;
          return withheld > 0
            ? { data: { status: 'suspended' }, event: 'erasure.suspended', codes: { withheld } }
            : { data: { status: 'scanning', scan: Prisma.DbNull }, event: 'erasure.purged' };
        });
      });
      return stateOf(concluded);
    },

    scanStores: (requestId: string): Promise<ScanSummary> => beating((beat) => passes.scanFor(requestId, beat)),

    /** @returns milliseconds until the next scan may begin */
    async untilNextScan(requestId: string): Promise<number> {
      const next = await passes.nextAt();
      await db.erasure.updateMany({ where: { id: requestId, endedAt: null }, data: { nextScanAt: next } });
      return next ? Math.max(0, next.getTime() - Date.now()) : 0;
    },

    certifyErasure: (certification: Certification): Promise<ErasureState | null> =>
      beating(() => certify(certification, context())),

    eraseAgain: (requestId: string) =>
      change(requestId, ({ status }) =>
        status === 'scanning' ? { data: { status: 'erasing', scan: Prisma.DbNull }, event: 'erasure.repeated' } : null,
      ),

    /** Goes on where a hold has ended by itself since the stores were gone through. */
    async lookAtHoldsAgain(requestId: string): Promise<ErasureState | null> {
      const hasEnded = await hasHoldEnded(db, requestId);
      return change(requestId, ({ status }) =>
        status === 'suspended' && hasEnded ? { data: { status: 'erasing' }, event: 'erasure.resumed' } : null,
      );
    },

    /** Before an erasure is given up: @returns what it is certified with all the same, or null. */
    settleLateFindings: (requestId: string): Promise<ScanSummary | null> =>
      beating(async (beat) => {
        const record = await readErasure(db, requestId);
        const subject = record && unsealSubject(subjects, record);
        return subject ? settleLateContent(dependencies, subject.person, beat) : null;
      }),

    giveErasureUp: (requestId: string) =>
      change(requestId, ({ status, now }) =>
        status === 'scanning'
          ? {
              data: { status: 'failed', failureCode: 'found_by_scan', activeHash: null, sealed: null, endedAt: now },
              event: 'erasure.failed',
              codes: { code: 'found_by_scan' },
            }
          : null,
      ),

    async noteErasureDeadline(requestId: string, what: 'near' | 'missed'): Promise<void> {
      const entry = { type: `erasure.deadline_${what}`, subject: 'erasure', subjectId: requestId };
      if ((await db.auditEvent.count({ where: entry })) === 0) await recordEvent(db, context(), entry);
    },
  };
}

const stateOf = (record: ErasureRecord | null): ErasureState | null => record && toState(record);

export type UserErasureActivities = ReturnType<typeof createUserErasureActivities>;
