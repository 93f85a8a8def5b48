// The steps of an erasure, each journalled before it acts and after. A repeat begins where there is still something to do.
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import type { ErasureStep, ErasureStepName } from '../../workflows/contracts/user-erasure';
import type { MentionIndex } from '../mention-index';
import { REMOVES_COPIES, removeCopies } from '../person-export/copies';
import type { Matcher } from '../personal-data/matching/matcher';
import type { Subjects } from '../personal-data/subject';
import { type ErasureRecord, readErasure, sealSubject, unsealSubject } from './erasure-record';
import { closeOwnDrafts, countOpenSends, fingerprintOwnDrafts } from './stores/postgres/own-drafts';
import { type Counts, NOTHING, type Person, type PersonalDataStore } from './stores/store';

const ASKS_EACH_MS = 200;

/** What an attempt that was cut off had done is not in what the next one counts, but for drafts the audit trail knows it. */
async function countByTrail(db: Database, requestId: string, step: ErasureStepName) {
  const kept = { erased: 0, anonymised: 0 };
  const type = { close_drafts: 'draft.closed', postgres: 'draft.erased', temporal: 'draft.erased' }[step as string];
  if (type === undefined) return kept;
  const [{ drafts }] = await db.$queryRaw<[{ drafts: number }]>`
    SELECT count(*)::int AS drafts FROM audit_events e JOIN drafts d ON d.id = e.subject_id
    WHERE e.request_id = ${requestId}::uuid AND e.type = ${type} AND (${step}::text <> 'temporal' OR d.needs_people)`;
  return step === 'close_drafts' ? { ...kept, anonymised: drafts } : { ...kept, erased: drafts };
}

export interface StepsDependencies {
  db: Database;
  files: ObjectStore;
  subjects: Subjects;
  stores: readonly PersonalDataStore[];
  index: Pick<MentionIndex, 'catchUp'>;
  matcher: Pick<Matcher, 'addressesInBytes'>;
}

export function createSteps({ db, files, subjects, stores, index, matcher }: StepsDependencies) {
  async function act(step: ErasureStepName, record: ErasureRecord, person: Person, beat: () => void): Promise<Counts> {
    switch (step) {
      case 'close_drafts':
        // What is written from here on is new content, which another round takes.
        await db.$executeRaw`
          UPDATE erasures SET purge_from = (SELECT last_value FROM mentions_due_position_seq) WHERE id = ${record.id}::uuid`;
        await index.catchUp(beat);
        await keepFingerprints(record, person);
        return { ...NOTHING, anonymise: await closeOwnDrafts(db, person) };
      case 'await_sends':
        while ((await countOpenSends(db, person)) > 0) {
          await delay(ASKS_EACH_MS);
          beat();
        }
        return NOTHING;
      default: {
        if (step === REMOVES_COPIES) await removeCopies({ db, files, subjects, matcher }, person, beat);
        const store = stores.find(({ name }) => name === step);
        return store ? store.purge(person, beat) : NOTHING;
      }
    }
  }

  /** Before the first word goes: afterwards nobody could tell what to look for. */
  async function keepFingerprints(record: ErasureRecord, person: Person): Promise<void> {
    const known = unsealSubject(subjects, record)?.fingerprints ?? [];
    const fingerprints = [...new Set([...known, ...(await fingerprintOwnDrafts(db, person))])];
    const sealed = sealSubject(subjects, { email: person.email, fingerprints });
    await db.erasure.updateMany({ where: { id: record.id, endedAt: null }, data: { sealed } });
  }

  return {
    async takeStep({ requestId, step }: ErasureStep, beat: () => void): Promise<void> {
      const record = await readErasure(db, requestId);
      const subject = record && unsealSubject(subjects, record);
      if (!record || !subject || record.status !== 'erasing') return;
      const id = { erasureId_step: { erasureId: requestId, step } };
      // By the database's clock, as holds end by it.
      const startedAt = record.now;
      await db.erasureStep.upsert({
        where: id,
        create: { erasureId: requestId, step, startedAt },
        update: { startedAt, finishedAt: null },
      });
      const repeated = { type: 'erasure.repeated', subject: 'erasure', subjectId: requestId };
      const person = { ...subject.person, isRepeated: (await db.auditEvent.count({ where: repeated })) > 0 };
      const { erase, anonymise, withhold } = await act(step, record, person, beat);
      const known = await countByTrail(db, requestId, step);
      await db.$executeRaw`
        UPDATE erasure_steps SET finished_at = clock_timestamp(), erased = greatest(erased + ${erase}, ${known.erased}),
          anonymised = greatest(anonymised + ${anonymise}, ${known.anonymised}), withheld = ${withhold}
        WHERE erasure_id = ${requestId}::uuid AND step = ${step}`;
    },

    async countWithheld(tx: Database, requestId: string): Promise<number> {
      const { _sum } = await tx.erasureStep.aggregate({ where: { erasureId: requestId }, _sum: { withheld: true } });
      return _sum.withheld ?? 0;
    },
  };
}
