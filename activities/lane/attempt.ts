// One attempt at a lane: take it over, then claim, journal and hand out what is due until there is a reason to end.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type Alarm, createAlarm } from '../../ops/runtime/alarm';
import type { Logger } from '../../ops/runtime/logging';
import type { SignedStore } from '../../ops/runtime/signed-store';
import type { Database } from '../../prisma/client';
import type { HeldCode } from '../../workflows/contracts/held-mail';
import type { LaneResult, LaneTrouble, Watermark } from '../../workflows/contracts/lane';
import type { Announcement } from '../commands/context';
import { readHeld } from '../continuity/hold';
import type { Claim, LaneRow, Unsettled } from './claims';
import { createJournal, packIds, RunIsFull } from './journal';
import type { Lane } from './lane';
import { createSenders } from './senders';
import { backoffSeconds, createServiceHealth } from './service-health';
import { ServiceTrouble } from './service-trouble';
import { endOf, IDLES_MS } from './time-limits';
import { untilDone } from './until-done';
import { readMarkOf } from './watermark';

const BATCH = 100;
/** With fewer waiting for a connection than this, the next batch is claimed while these are sent. */
const LOW_WATER = 32;
/** Each claim costs a signal: the slower Temporal takes one, the more mails come due for the next, up to this time. */
const CLAIM_PER_WRITE = 4;
const CLAIMS_WITHIN_MS = 60;
const SHORTEST_WAIT_MS = 20;
const LOOKS_AGAIN_MS = 1_000;
const COUNTS_EACH_MS = 1_000;
/** Every process looks within that time whether a server that has just taken over still knows what it knew. */
const OTHERS_LOOK_MS = 2_500;

type Reason = LaneResult['reason'];

export interface LaneDependencies {
  db: Database;
  temporal: Client;
  backups: Pick<SignedStore, 'put' | 'get' | 'list' | 'signer'>;
  /** Rings when an item may be due. */
  alarm: Alarm;
  /** What has been committed and processes should hear of at once. */
  announce(announcement: Announcement): void;
  /** The database went back in time: all mail is held from here on. */
  hold(code: HeldCode): Promise<void>;
  /** Holds all mail if the server that answers lacks anything that is known. Throws if that can't be told. */
  compare(): Promise<void>;
  /** Aborted when this worker is asked to end. */
  stopping: AbortSignal;
  logger: Logger;
}

/**
 * @param left what an earlier attempt of this process could not give back
 * @param ending aborted when this attempt is to finish what it has begun and no more
 */
export function createAttempt(
  dependencies: LaneDependencies,
  lane: Lane,
  runId: string,
  left: { unsettled: Unsettled | null },
  ending: AbortSignal,
) {
  const { db, logger, alarm, announce } = dependencies;
  const owner = randomUUID();
  const opened = new Set<string>();
  const { claims, carryOut } = lane.begin(owner, opened, ending);
  const health = createServiceHealth(db, logger, lane.name, owner);
  const journal = createJournal(dependencies, lane.name, runId, owner);
  const room = createAlarm();
  const senders = createSenders(carryOut, lane.mostAtOnce, () => {
    room.ring();
    if (senders.failure !== null) alarm.ring();
  });
  // By the clock that never jumps: one that is set back would stop the claims until it has caught up.
  const began = performance.now();
  let sentBefore = 0;
  let due = 0;
  let countedAt = Number.NEGATIVE_INFINITY;
  let mark: Watermark | undefined;

  return async function attempt(): Promise<LaneResult> {
    const row = await takeOver();
    if (!row) return { reason: ending.aborted ? 'shutdown' : 'idle', sent: 0 };
    sentBefore = Number(row.sent);
    try {
      if (lane.isArchived) await journal.archive(row.journalRun);
      const reason = await (row.failures > 0 ? probe() : work());
      await settle();
      return { reason, sent: senders.sent };
    } catch (error) {
      await settle().catch(() => {});
      if (ending.aborted && error === ending.reason) return { reason: 'shutdown', sent: senders.sent };
      if (error instanceof RunIsFull) return { reason: 'signals', sent: senders.sent };
      throw error instanceof ServiceTrouble ? await toFailure(error) : error;
    }
  };

  /** Null where the lane is held all the time. */
  async function takeOver(): Promise<LaneRow | null> {
    const known = await readMarkOf(dependencies, lane.name, runId);
    for (let isLookedAt = false, isHeldTold = false; !ending.aborted && performance.now() - began < IDLES_MS; ) {
      const taken = await claims.takeOver(known, { ...left, isLookedAt });
      switch (taken.state) {
        case 'owned':
          left.unsettled = null;
          announce({ told: taken.told });
          mark = taken.lane.mark;
          if (isHeldTold) await journal.write(await report([]));
          return taken.lane;
        case 'other_server':
          // No ring may cut this short.
          await delay(OTHERS_LOOK_MS, undefined, { signal: ending }).catch(() => {});
          await dependencies.compare();
          isLookedAt = true;
          break;
        case 'behind':
          await dependencies.hold('behind_journal');
          break;
        default:
          if (!isHeldTold) await tellHeld().catch(() => {});
          isHeldTold = true;
          await alarm.wait(LOOKS_AGAIN_MS, ending);
      }
    }
    return null;
  }

  /** To whoever looks into the Web UI. */
  async function tellHeld(): Promise<void> {
    const held = await readHeld(db);
    const { sent } = await db.lane.findUniqueOrThrow({ where: { name: lane.name } });
    const why = held ? { code: held.code, since: held.at.toISOString() } : { code: 'restore', since: null };
    await journal.write({ ids: '', due: await claims.countDue(), sent: Number(sent), trouble: null, held: why });
  }

  async function work(): Promise<Reason> {
    for (let claimed = 0, claimAgainAt = 0, worksSince = Number.POSITIVE_INFINITY; ; ) {
      if (ending.aborted) return 'shutdown';
      if (senders.failure !== null) throw senders.failure;
      const now = performance.now();
      const workedMs = Math.max(now - worksSince, 0);
      const progress = { claims: claimed, elapsedMs: now - began, workedMs, isSlow: senders.slow };
      const end = endOf(progress, lane.slowestMs);
      if (end) return end;
      const early = claimAgainAt - performance.now();
      if (senders.waiting >= LOW_WATER || early > 0) {
        await room.wait(early > 0 ? early : LOOKS_AGAIN_MS, ending);
        continue;
      }
      const { ids, nextInMs } = await claim(BATCH);
      if (ids.length > 0) {
        const entry = await report(ids);
        const before = performance.now();
        await journal.write(entry);
        const wroteMs = performance.now() - before;
        senders.give(ids);
        claimed += 1;
        worksSince = Math.min(worksSince, before);
        claimAgainAt = ids.length < BATCH ? before + Math.min(wroteMs * CLAIM_PER_WRITE, CLAIMS_WITHIN_MS) : 0;
        continue;
      }
      if (due > 0 && senders.idle && performance.now() - countedAt > COUNTS_EACH_MS)
        await journal.write(await report([]));
      await alarm.wait(Math.min(Math.max(nextInMs ?? LOOKS_AGAIN_MS, SHORTEST_WAIT_MS), LOOKS_AGAIN_MS), ending);
    }
  }

  /** The service failed last: a sign of life, and at most one item, tell whether it is back. */
  async function probe(): Promise<Reason> {
    await lane.probe(ending).catch((error) => {
      ending.throwIfAborted();
      throw error;
    });
    const { ids } = await claim(1);
    if (ids.length > 0) {
      await journal.write(await report(ids));
      senders.give(ids);
      while (!senders.idle) await room.wait(LOOKS_AGAIN_MS, NEVER);
      if (senders.failure !== null) throw senders.failure;
    }
    await health.healed();
    return 'healed';
  }

  async function claim(limit: number): Promise<Claim> {
    const claimed = await claims.claim(limit);
    if (claimed.mark) mark = claimed.mark;
    if (claimed.owned) return claimed;
    throw ApplicationFailure.retryable('The lane is held, or another attempt has it.', 'LaneLost');
  }

  /** What is open ends and is recorded, what was only claimed is free again. */
  async function settle(): Promise<void> {
    await senders.finish();
    // Nobody else knows what was not opened.
    left.unsettled = { owner, opened: [...opened] };
    await untilDone(() => claims.release([...opened]), ending);
    left.unsettled = null;
    await health.countSent(senders.sent);
  }

  async function toFailure({ code, retryAfterMs }: ServiceTrouble): Promise<ApplicationFailure> {
    lane.disconnect();
    const leastMs = retryAfterMs ?? 0;
    const failing = await health.failed(code, leastMs);
    const waitMs = Math.max(backoffSeconds(failing?.failures ?? 1) * 1000, leastMs);
    if (failing) {
      countedAt = Number.NEGATIVE_INFINITY;
      const nextAttemptAt = new Date(Date.now() + waitMs).toISOString();
      const trouble = { code, since: failing.failingSince.toISOString(), failures: failing.failures, nextAttemptAt };
      await report([], trouble)
        .then(journal.write)
        .catch(() => {});
    }
    return ApplicationFailure.create({ type: 'ServiceTrouble', message: code, nextRetryDelay: waitMs });
  }

  async function report(ids: string[], trouble: LaneTrouble | null = null) {
    if (performance.now() - countedAt > COUNTS_EACH_MS) {
      due = await claims.countDue();
      countedAt = performance.now();
    }
    const told = { due: Math.max(due, ids.length), sent: sentBefore + senders.sent, trouble };
    return { ids: packIds(ids), ...told, ...(mark ? { mark } : {}) };
  }
}

const NEVER = new AbortController().signal;
