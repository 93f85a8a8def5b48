// An erasure among everything else that happens at the same time, in thousands of orders: nothing is sent after its answer,
// nothing is found after its certificate, and nobody else is harmed. A seed repeats an order.

import { oneOf } from '../support/one-of';
import { isLongRun } from '../support/servers';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { ErasureService } from './erasure-service';
import { actAtOnce, deliver, type Scene } from './races/actors';
import { Chance } from './races/chance';
import * as checks from './races/checks';
import { Drafts } from './races/drafts';
import { awaitEnd, carryOut, type Erasure, request, settle } from './races/erase';
import { Holds } from './races/holds';
import { World } from './races/world';

const INTERLEAVINGS = isLongRun ? 2_000 : 10;
/** A part goes through a real worker and Temporal. */
const OF_A_WORKER = isLongRun ? 20 : 6;
/** A fresh database now and then, since each scan reads all of it. */
const OF_A_WORLD = 40;
/** In `npm test` so few that chance could draw mostly cancelled ones: always the same. */
const FIRST_SEED = Number(process.env.COUNTERSIGN_TEST_SEED ?? (isLongRun ? Math.floor(Math.random() * 1_000_000) : 1));

let temporal: TestNamespace;
beforeAll(async () => {
  temporal = await createTestNamespace();
});
afterAll(() => temporal?.close());

/** @returns what is wrong */
async function interleave(
  world: World,
  seed: number,
  tally: Record<string, number>,
  finish: typeof carryOut = carryOut,
): Promise<string[]> {
  const hasWorker = finish === awaitEnd;
  const chance = new Chance(seed);
  const drafts = new Drafts(world, `ada-${seed}@customer.example`, `${seed}`);
  const scene: Scene = { world, drafts, holds: new Holds(world), faults: [] };
  for (let left = chance.between(2, 6); left > 0; left--) {
    const draft = await drafts.submit(chance);
    if (chance.is(0.3)) await drafts.age(draft);
  }
  if (!hasWorker && chance.is(0.3)) await deliver(scene, chance.fork());

  const [among, own] = [chance.fork(), chance.fork()];
  const others = actAtOnce(scene, among, hasWorker).then(() =>
    // The next worker finds what the last one left open.
    hasWorker ? null : deliver(scene, among, true),
  );
  const erased = (async () => {
    await own.pause(world.pool);
    const erasure = await request(scene);
    await own.pause(world.pool);
    await settle(scene, erasure, own);
    const beside = others.catch(() => {});
    await finish(scene, erasure, own, beside);
    return erasure;
  })();
  const [, erasure] = await Promise.all([others, erased]);
  await scene.holds.releaseAll();
  tally[erasure.status] = (tally[erasure.status] ?? 0) + 1;
  return [...scene.faults, ...(await whatIsWrong(scene, erasure, own, finish))];
}

/** Where Temporal is slow to take the journal, the lane pauses for up to half a minute, more than once. */
const FLOWS_WITHIN_MS = 120_000;

async function whatIsWrong(scene: Scene, erasure: Erasure, chance: Chance, finish: typeof carryOut): Promise<string[]> {
  const { drafts, holds, world } = scene;
  const isErased = erasure.status === 'certified';
  const wrong: string[] = [];
  if (!isErased && erasure.status !== 'cancelled') wrong.push(`The erasure is ${erasure.status}: ${world.found}`);
  if (isErased) {
    // What came in while the last scan looked is another erasure's.
    const late = drafts.known.filter(({ saidAt }) => saidAt > erasure.scannedAt);
    if (late.length === 0 && (await checks.findPerson(scene)) > 0)
      wrong.push('The person is found after the certificate');
    if (late.length > 0) await finish(scene, await again(scene), chance, Promise.resolve());
  }
  wrong.push(...(await checks.findLateOpenings(scene, erasure)));
  wrong.push(...(await checks.findWrongDrafts(scene, isErased)));
  wrong.push(...(await checks.findGapsInTheTrail(scene)));
  wrong.push(...(await holds.broken(drafts.known.filter(({ kind }) => kind === 'own').map(({ id }) => id))));
  if (isErased && (await checks.findPerson(scene)) > 0) wrong.push('The person is found');
  if (!isErased) {
    const mail = { to: drafts.email, subject: 'Again', body: 'Hello', confidence: 1 };
    const { id } = await world.commands.submitDraft(world.author, mail);
    if (finish === carryOut) await deliver(scene, chance, true);
    const isSent = async () => (await world.db.draft.findUniqueOrThrow({ where: { id } })).status === 'sent';
    await until('mail flows again', isSent, finish === carryOut ? 0 : FLOWS_WITHIN_MS).catch((late) =>
      wrong.push(late.message),
    );
  }
  return wrong;
}

async function again(scene: Scene): Promise<Erasure> {
  const erasure = await request(scene);
  await scene.world.commands.confirmErasure(scene.world.admin, erasure.requestId);
  return erasure;
}

const holds = oneOf(2);
holds(
  `holds its promises in ${INTERLEAVINGS} orders`,
  async () => {
    const wrong: Record<string, string[]> = {};
    const tally: Record<string, number> = {};
    for (let from = 0; from < INTERLEAVINGS; from += OF_A_WORLD) {
      const world = await World.create(temporal);
      for (let seed = FIRST_SEED + from; seed < FIRST_SEED + Math.min(from + OF_A_WORLD, INTERLEAVINGS); seed++) {
        const faults = await interleave(world, seed, tally).catch((error: Error) => [error.stack ?? error.message]);
        if (faults.length > 0) wrong[`COUNTERSIGN_TEST_SEED=${seed}`] = faults;
      }
      expect(await checks.findWrongSums(world)).toEqual([]);
      await world.database.drop();
      if (Object.keys(wrong).length > 20) break;
    }
    expect(wrong).toEqual({});
    expect(tally.certified).toBeGreaterThan(INTERLEAVINGS / 2);
  },
  3_600_000,
);

holds(
  `holds them for ${OF_A_WORKER} at once with a real worker`,
  async () => {
    const service = await ErasureService.create({ environment: { LOG_LEVEL: 'info' } });
    const { base, files } = service;
    const world = await World.create(base.temporal, {
      database: base.database,
      files,
      backups: base.environment.BACKUP_URL,
    });
    base.runWorker();
    const tally: Record<string, number> = {};
    const wrong = await Promise.all(
      Array.from({ length: OF_A_WORKER }, async (_, n) => {
        const seed = FIRST_SEED + n;
        const faults = await interleave(world, seed, tally, awaitEnd).catch((error: Error) => [
          error.stack ?? error.message,
        ]);
        return faults.map((fault) => `COUNTERSIGN_TEST_SEED=${seed}: ${fault}`);
      }),
    );
    await service.close();
    expect(wrong.flat()).toEqual([]);
    expect(tally.certified).toBeGreaterThan(OF_A_WORKER / 2);
  },
  600_000,
);
