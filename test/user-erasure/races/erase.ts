// The erasure as its workflow goes about it (workflows/user-erasure.ts), step by step; what the workflow waits for days or
// hours is waited for here until whoever it waits for has acted.
import { setTimeout as delay } from 'node:timers/promises';
import {
  ERASURE_STEPS,
  type ErasureState,
  type ErasureStatus,
  hasEnded,
} from '../../../workflows/contracts/user-erasure';
import { until } from '../../support/until';
import type { Scene } from './actors';
import type { Chance } from './chance';
import { unlessRefused } from './drafts';

const ROUNDS = 5;
/** A step fails where a conversation is open, and is tried again. */
const TRIES = 400;

export interface Erasure {
  requestId: string;
  answeredAt: Date;
  /** Before a cancellation was asked for. */
  cancelledAt: Date | null;
  status: ErasureStatus;
  /** By this process's clock: what was answered before the last scan began must be gone. */
  scannedAt: number;
}

export async function request({ world, drafts }: Scene): Promise<Erasure> {
  const { requestId, status } = await world.commands.requestErasure(world.admin, {
    email: drafts.email,
    grace: 'PT24H',
  });
  await world.run(world.activities.previewErasure, requestId);
  return { requestId, answeredAt: await world.now(), cancelledAt: null, status, scannedAt: 0 };
}

/** Confirms or cancels, and at times both at once. */
export async function settle({ world }: Scene, erasure: Erasure, chance: Chance): Promise<void> {
  const confirm = async () => void (await unlessRefused(world.commands.confirmErasure(world.admin, erasure.requestId)));
  const cancel = async () => {
    const before = await world.now();
    const answer = await unlessRefused(world.commands.cancelErasure(world.admin, erasure.requestId));
    if (answer) erasure.cancelledAt = before;
  };
  const acts = chance.is(0.15) ? [cancel] : chance.is(0.1) ? [confirm, cancel, begin] : [confirm];
  await Promise.all(
    acts.map(async (act) => {
      await chance.pause(world.pool);
      await act();
    }),
  );

  async function begin() {
    await world.activities.beginErasure(erasure.requestId);
  }
}

/** Until it has ended. @param others resolves when everybody else has acted */
export async function carryOut(
  scene: Scene,
  erasure: Erasure,
  chance: Chance,
  others: Promise<unknown>,
): Promise<void> {
  const { world, holds } = scene;
  const { activities } = world;
  const { requestId } = erasure;
  let round = 0;
  let status = read(await activities.beginErasure(requestId));
  while (!hasEnded({ status })) {
    await chance.pause(world.pool);
    switch (status) {
      case 'erasing':
        for (const step of ERASURE_STEPS)
          await tryAgain(() => world.run(activities.takeErasureStep, { requestId, step }));
        status = read(await activities.concludePurge(requestId));
        break;
      case 'scanning': {
        erasure.scannedAt = Date.now();
        const scan = await world.run(activities.scanStores, requestId);
        if (scan.sources.every(({ findings }) => findings === 0)) {
          status = read(await world.run(activities.certifyErasure, { requestId, scan }));
        } else if (++round === ROUNDS) status = read(await activities.giveErasureUp(requestId));
        else {
          await others;
          status = read(await activities.eraseAgain(requestId));
        }
        break;
      }
      case 'suspended':
        await others;
        await holds.releaseAll();
        // A release that it missed would be noticed within the hour; here it is a fault.
        status = read(await activities.readErasureState(requestId));
        if (status === 'suspended') throw new Error('It missed the release that it waited for');
        break;
      default:
        throw new Error(`It is ${status}`);
    }
  }
  erasure.status = status;
}

function read(state: ErasureState | null): ErasureStatus {
  if (!state) throw new Error('Its row is gone');
  return state.status;
}

/** By a real worker, until it has ended. */
export async function awaitEnd(
  { world, holds }: Scene,
  erasure: Erasure,
  _chance: Chance,
  others: Promise<unknown>,
): Promise<void> {
  await others;
  await holds.releaseAll();
  const { requestId } = erasure;
  erasure.status = await until(
    'the erasure ends',
    async () => {
      const state = await world.activities.readErasureState(requestId);
      return state && hasEnded(state) ? state.status : null;
    },
    120_000,
  );
  const purged = { subjectId: requestId, type: 'erasure.purged' };
  const last = await world.db.auditEvent.findFirst({ where: purged, orderBy: { position: 'desc' } });
  erasure.scannedAt = last?.at.getTime() ?? 0;
}

async function tryAgain(step: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await step();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'send_in_flight' || tries === TRIES) throw error;
      await delay(2);
    }
  }
}
