// The erasure of one person, from the request until it is certified, cancelled or given up. From the request on nothing is
// sent to them: that is decided in PostgreSQL and does not wait for this.
import {
  type ActivityOptions,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  type LocalActivityOptions,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { RestorePointActivities } from '../activities/restore-points';
import type { UserErasureActivities } from '../activities/user-erasure';
import { assertNever } from './assert-never';
import {
  changed,
  ERASURE_STEPS,
  type ErasureState,
  hasEnded,
  type ScanSummary,
  state,
  type UserErasureInput,
} from './contracts/user-erasure';
import { exclusivelyInTurns } from './exclusively';
import {
  ASKS_AGAIN_MS,
  DATABASE_STEP,
  ERASURE_STEP,
  HELD_BATCH,
  HELD_DATABASE_STEP,
  HELD_ERASURE_STEP,
  PREVIEW,
} from './profiles';
import { describeErasure, GONE } from './user-erasure-details';

const { readErasureState, skipPreview, beginErasure, lookAtHoldsAgain, noteErasureDeadline, untilNextScan } =
  proxyLocalActivities<UserErasureActivities>(DATABASE_STEP);
const { previewErasure } = proxyActivities<UserErasureActivities>(PREVIEW);
const { markRestorePoint } = proxyActivities<RestorePointActivities>(HELD_BATCH);
const ALONE = stepsWith(DATABASE_STEP, ERASURE_STEP);
const HELD = stepsWith(HELD_DATABASE_STEP, HELD_ERASURE_STEP);

function stepsWith(database: LocalActivityOptions, store: ActivityOptions) {
  const { readErasureState, concludePurge, eraseAgain, giveErasureUp } =
    proxyLocalActivities<UserErasureActivities>(database);
  const { takeErasureStep, scanStores, settleLateFindings, certifyErasure } =
    proxyActivities<UserErasureActivities>(store);
  return {
    ...{ readErasureState, concludePurge, eraseAgain, giveErasureUp },
    ...{ takeErasureStep, scanStores, settleLateFindings, certifyErasure },
  };
}

/** What was written while the stores were gone through shows in a scan and goes in the next round. */
const ROUNDS = 5;
const BETWEEN_ROUNDS_MS = 10_000;
const LOOKS_AT_HOLDS_EACH_MS = 3_600_000;
const WARNS_BEFORE_MS = 7 * 86_400_000;

export async function userErasure({ requestId }: UserErasureInput): Promise<ErasureState['status'] | 'gone'> {
  const known = { erasure: null as ErasureState | null, gone: false };
  const learn = (news: ErasureState) => {
    const { erasure } = known;
    if (!erasure || isNewer(news, erasure)) known.erasure = news;
  };
  const take = async (step: Promise<ErasureState | null>) => {
    const news = await step;
    if (news) learn(news);
    else known.gone = true;
  };
  setHandler(changed, learn);
  setHandler(state, () => known.erasure);

  await take(readErasureState(requestId));
  const clock = new CancellationScope();
  const watched = clock.run(() => watchDeadline(requestId, () => known.erasure)).catch(() => {});
  let round = 0;
  async function work(status: AtWork, steps: typeof ALONE): Promise<void> {
    if (status === 'erasing') {
      for (const step of ERASURE_STEPS) await steps.takeErasureStep({ requestId, step });
      return take(steps.concludePurge(requestId));
    }
    const scan = await steps.scanStores(requestId);
    if (isClean(scan)) return take(steps.certifyErasure({ requestId, scan }));
    if (++round === ROUNDS) return take(steps.giveErasureUp(requestId));
    await sleep(BETWEEN_ROUNDS_MS);
    return take(steps.eraseAgain(requestId));
  }

  async function workWithLock(): Promise<void> {
    // While it waited the database may have become another: a restore holds the same lock.
    await take(HELD.readErasureState(requestId));
    for (let begins = true; known.erasure && !known.gone && isAtWork(known.erasure.status); begins = false) {
      const { status } = known.erasure;
      setCurrentDetails(describeErasure(known.erasure));
      if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof userErasure>({ requestId });
      if (begins && status === 'erasing') await markRestorePoint({ process: 'userErasure', id: requestId });
      await work(status, HELD);
    }
  }

  /** Erasures hold the lock together, so that one scan can serve all that wait for it. */
  async function purgeWithLock(): Promise<void> {
    await take(HELD.readErasureState(requestId));
    if (known.gone || known.erasure?.status !== 'erasing') return;
    if (round === 0) await markRestorePoint({ process: 'userErasure', id: requestId });
    for (const step of ERASURE_STEPS) await HELD.takeErasureStep({ requestId, step });
    await take(HELD.concludePurge(requestId));
  }

  /** @returns whether another round has to follow */
  async function scanWithLock(): Promise<boolean> {
    await take(HELD.readErasureState(requestId));
    if (known.gone || known.erasure?.status !== 'scanning') return false;
    const scan = await HELD.scanStores(requestId);
    if (isClean(scan)) {
      await take(HELD.certifyErasure({ requestId, scan }));
      return false;
    }
    if (++round < ROUNDS) return true;
    const settled = await HELD.settleLateFindings(requestId);
    await take(settled ? HELD.certifyErasure({ requestId, scan: settled }) : HELD.giveErasureUp(requestId));
    return false;
  }

  async function workInTurns(status: AtWork, hasNews: () => boolean): Promise<void> {
    if (status === 'erasing') return exclusivelyInTurns('userErasure', purgeWithLock);
    const wait = await untilNextScan(requestId);
    if (wait > 0) return void (await condition(hasNews, wait));
    if (!(await exclusivelyInTurns('userErasure', scanWithLock))) return;
    await sleep(BETWEEN_ROUNDS_MS);
    await take(ALONE.eraseAgain(requestId));
  }

  while (known.erasure && !known.gone && !hasEnded(known.erasure)) {
    const erasure: ErasureState = known.erasure;
    const hasNews = () => known.erasure !== erasure;
    setCurrentDetails(describeErasure(erasure));
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof userErasure>({ requestId });

    switch (erasure.status) {
      case 'waiting':
        if (erasure.previewed === false && patched('previewed-erasure')) await take(preview(requestId));
        else if (erasure.confirmed || !(await condition(hasNews, untilBegin(erasure))))
          await take(beginErasure(requestId));
        break;
      case 'erasing':
      case 'scanning':
        if (patched('shared-scan')) await workInTurns(erasure.status, hasNews);
        else if (patched('exclusive-erasure')) await exclusivelyInTurns('userErasure', workWithLock);
        else await work(erasure.status, ALONE);
        break;
      case 'suspended':
        if (!(await condition(hasNews, LOOKS_AT_HOLDS_EACH_MS))) await take(lookAtHoldsAgain(requestId));
        break;
      case 'certified':
      case 'cancelled':
      case 'failed':
        break;
      default:
        assertNever(erasure.status);
    }
  }
  clock.cancel();
  await watched;
  const ended = known.gone ? null : known.erasure;
  setCurrentDetails(ended ? describeErasure(ended) : GONE);
  return ended?.status ?? 'gone';
}

/** What each store holds, before anything begins. An answer that takes too long is done without. */
async function preview(requestId: string): Promise<ErasureState | null> {
  try {
    return await previewErasure(requestId);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return skipPreview(requestId);
  }
}

/** Writes down that the month is nearly over, and that it is. An extension moves both. */
async function watchDeadline(requestId: string, erasure: () => ErasureState | null): Promise<void> {
  for (const before of [WARNS_BEFORE_MS, 0]) {
    for (let deadline = erasure()?.deadline ?? ''; deadline !== ''; ) {
      const hasMoved = () => erasure()?.deadline !== deadline;
      const wait = Date.parse(deadline) - before - Date.now();
      if (wait <= 0 || !(await condition(hasMoved, wait))) break;
      deadline = erasure()?.deadline ?? '';
    }
    await noteErasureDeadline(requestId, before === 0 ? 'missed' : 'near');
  }
}

/** The database's clock decides whether the grace period is over; where this one is ahead, it is asked again. */
const untilBegin = ({ graceUntil }: ErasureState) => Math.max(Date.parse(graceUntil) - Date.now(), 0) || ASKS_AGAIN_MS;

type AtWork = 'erasing' | 'scanning';
const isAtWork = (status: ErasureState['status']): status is AtWork => status === 'erasing' || status === 'scanning';

const isClean = ({ sources }: ScanSummary) => sources.every(({ findings }) => findings === 0);

const isNewer = (a: ErasureState, b: ErasureState) =>
  a.generation > b.generation || (a.generation === b.generation && a.version > b.version);
