// Adopts a database whose mail is held: checks it, asks the operator, and only then changes it and lets mail out.
import { ApplicationFailure, condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { AdoptionActivities } from '../activities/continuity/adoption';
import {
  type AdoptionInput,
  type AdoptionResult,
  type AdoptionStep,
  abort,
  confirmAdoption,
  progress,
} from './contracts/adoption';
import type { ExclusiveProcess } from './contracts/operations';
import { ABORTED } from './contracts/recovery-progress';
import { exclusively } from './exclusively';
import { ADOPTION_STEP } from './profiles';
import { keepProgress } from './recovery-progress';

const {
  planAdoption,
  beginAdoption,
  markAdopted,
  returnFiles,
  replayErasures,
  listLostOfAdoption,
  moveIn,
  makeClone,
  releaseMail,
} = proxyActivities<AdoptionActivities>(ADOPTION_STEP);

/** These can be repeated, and may themselves wait for the database that is to be adopted. */
const GIVE_WAY: ExclusiveProcess[] = ['backup', 'restoreDrill', 'clusterRetention'];
/** While mail is held, no worker may carry these out, so waiting for them could last for ever. They remove people, not promises. */
const GO_ON_BESIDE: ExclusiveProcess[] = ['userErasure', 'draftRetention', 'auditRetention'];
const CONFIRMED_WITHIN = '24 hours';

export async function adoption({ adoptionId, as, heldAt, yes }: AdoptionInput): Promise<AdoptionResult> {
  const told = keepProgress<AdoptionStep, AdoptionResult>(`adopt the database as ${as}`);
  let answer: 'adopt' | 'abort' | null = yes ? 'adopt' : null;
  setHandler(progress, told.read);
  setHandler(confirmAdoption, () => {
    answer ??= 'adopt';
  });
  setHandler(abort, () => {
    answer ??= 'abort';
  });

  async function confirmed(): Promise<AdoptionResult> {
    told.show({ status: 'running' });
    const plan = await told.step('preflight', () => planAdoption({ as, heldAt }));
    const result: AdoptionResult = { ...NOTHING_YET, adoptionId, plan };
    if (answer === null) {
      told.show({ status: 'awaiting_confirmation', result });
      await told.step('confirm', () => condition(() => answer !== null, CONFIRMED_WITHIN));
      told.show({ status: 'running' });
    }
    if (answer !== 'adopt')
      throw ApplicationFailure.nonRetryable('It was given up, and nothing has been changed.', ABORTED);
    return result;
  }

  async function adopt(): Promise<AdoptionResult> {
    const result = await confirmed();
    const given = { adoptionId, as, heldAt: result.plan.heldAt };
    if (as === 'moved') {
      await told.step('begin', () => moveIn(given));
    } else if (as === 'clone') {
      Object.assign(result, await told.step('begin', () => makeClone(given)));
    } else {
      const begun = await told.step('begin', () => beginAdoption(given));
      Object.assign(result, begun);
      // One that broke off is continued under its own id.
      given.adoptionId = begun.adoptionId;
      Object.assign(result, await told.step('mark', () => markAdopted(given)));
      await told.step('files', () => returnFiles(given));
      await told.step('ledger', () => replayErasures(given));
      await told.step('lost', () => listLostOfAdoption(given));
    }
    Object.assign(result, await told.step('release', () => releaseMail(given)));
    return result;
  }
  return told.untilEnd(() => exclusively('restore', adopt, { cancels: GIVE_WAY, besides: GO_ON_BESIDE }));
}

const NOTHING_YET = { generation: null, parked: 0, ended: 0, withdrawn: 0, journalComplete: true, released: false };
