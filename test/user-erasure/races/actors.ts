// Who does what at the same time: authors, approvers, the lane, who holds, retention. Each draws from a chance of its own.
import type { OpenMail, Outcome } from '../../../activities/mail-delivery/claims';
import { isApproved } from '../../../activities/mail-delivery/message';
import { carryOut } from '../../support/old-drafts';
import type { Chance } from './chance';
import { type Drafts, type KnownDraft, unlessRefused } from './drafts';
import type { Holds } from './holds';
import type { World } from './world';

export interface Scene {
  world: World;
  drafts: Drafts;
  holds: Holds;
  /** What went wrong. */
  faults: string[];
}

type Act = (scene: Scene, chance: Chance) => Promise<unknown>;

const someDraft = ({ drafts }: Scene, chance: Chance): KnownDraft => chance.one(drafts.known);

const readRevision = async ({ db }: Scene['world'], id: string): Promise<number> =>
  (await db.draft.findUniqueOrThrow({ where: { id }, select: { revision: true } })).revision;

async function revise(scene: Scene, chance: Chance): Promise<void> {
  const { world, drafts } = scene;
  const draft = someDraft(scene, chance);
  const { id, kind, bodies } = draft;
  const body = drafts.body(chance, kind);
  bodies.add(drafts.clean(body));
  const revision = await readRevision(world, id);
  await unlessRefused(world.commands.reviseDraft(world.author, { id, revision, body }));
  draft.saidAt = Date.now();
}

async function approve(scene: Scene, chance: Chance): Promise<void> {
  const { world, drafts } = scene;
  const draft = someDraft(scene, chance);
  const { id } = draft;
  const comment = chance.is(0.3) ? `as ${drafts.email} said` : undefined;
  const revision = await readRevision(world, id);
  await unlessRefused(world.commands.approveDraft(world.approver, { id, revision, comment }));
  draft.saidAt = Date.now();
  await chance.pause(world.pool);
  await world.commands.releaseDraft(id);
}

async function decideOtherwise(scene: Scene, chance: Chance): Promise<void> {
  const { commands, approver, author } = scene.world;
  const draft = someDraft(scene, chance);
  const { id } = draft;
  const reason = chance.is(0.3) ? `because of ${scene.drafts.email}` : 'because';
  const word = chance.between(1, 3);
  if (word === 1) await unlessRefused(commands.rejectDraft(approver, { id, reason }));
  if (word === 2) await unlessRefused(commands.requestChanges(approver, { id, comment: reason }));
  if (word === 3) await unlessRefused(commands.withdrawDraft(author, { id, reason }));
  draft.saidAt = Date.now();
}

/** An attempt at the lane, as activities/mail-delivery/delivery.ts goes about it. Left in the middle at times, as by a kill. */
export async function deliver(scene: Scene, chance: Chance, isToTheEnd = false): Promise<void> {
  const { world } = scene;
  const claims = world.attempt();
  await claims.takeOver(null, { unsettled: null, isLookedAt: true });
  const { ids } = await claims.claim(20);
  await chance.pause(world.pool);
  if (!isToTheEnd && chance.is(0.1)) return;
  const mails = await claims.open(ids);
  const opened = new Set(mails.map(({ id }) => id));
  await claims.block(ids.filter((id) => !opened.has(id)));
  for (const mail of mails) {
    if (!isToTheEnd && chance.is(0.1)) continue;
    await chance.pause(world.pool);
    await claims.record([outcomeOf(mail, !isToTheEnd && chance.is(0.2))]);
  }
}

function outcomeOf(mail: OpenMail, isLater: boolean): Outcome {
  const { id } = mail;
  if (!isApproved(mail)) return { id, status: 'blocked', outcome: null, code: 'content_changed', retrySeconds: null };
  return isLater
    ? { id, status: 'scheduled', outcome: null, code: 'smtp_451', retrySeconds: 0 }
    : { id, status: 'sent', outcome: 'delivered', code: null, retrySeconds: null };
}

async function resolve(scene: Scene, chance: Chance): Promise<void> {
  const { commands, approver } = scene.world;
  const as = chance.is(0.5) ? 'sent' : 'not_sent';
  await unlessRefused(commands.resolveDraft(approver, { id: someDraft(scene, chance).id, as, reason: 'looked' }));
}

async function retain({ world }: Scene): Promise<void> {
  const id = await unlessRefused(world.commands.startCleanup(world.admin, { olderThanDays: 90 }));
  if (id) await carryOut(world.db, id);
}

const LANE: Act[][] = [
  [(scene, chance) => deliver(scene, chance)],
  [(scene, chance) => deliver(scene, chance), resolve],
];
const PEOPLE: Act[][] = [
  [revise, (scene, chance) => scene.drafts.submit(chance)],
  [approve, approve, decideOtherwise],
  [(scene, chance) => scene.holds.place(scene, chance), (scene) => scene.holds.releaseOne()],
  [retain],
];
const MOST_ACTS = 4;

/** All that happens beside the erasure; each acts a few times. With a real worker the lane is the worker's. */
export async function actAtOnce(scene: Scene, chance: Chance, hasWorker = false): Promise<void> {
  await Promise.all(
    [...PEOPLE, ...(hasWorker ? [] : LANE)].map(async (acts) => {
      const own = chance.fork();
      for (let left = own.between(0, MOST_ACTS); left > 0; left--) {
        await own.pause(scene.world.pool);
        await own.one(acts)(scene, own);
      }
    }),
  );
}
