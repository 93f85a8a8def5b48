// Holds placed and released, each with the time around it by the database's clock: what it kept in between is checked.

import type { Chance } from './chance';
import { type Drafts, unlessRefused } from './drafts';
import type { World } from './world';

interface PlacedHold {
  id: string;
  /** Null: it is on the person. */
  draftId: string | null;
  answeredAt: Date;
  /** Before it was asked for; null while it stands. */
  releasedAt: Date | null;
}

/** Events by which an erasure or retention changes a draft. */
const TAKEN_FROM = `(e.type IN ('draft.erased', 'draft.closed') OR (e.type = 'draft.revised' AND e.data ->> 'reason' = 'erasure'))`;

export class Holds {
  readonly placed: PlacedHold[] = [];

  constructor(private readonly world: World) {}

  async place({ drafts, faults }: { drafts: Drafts; faults: string[] }, chance: Chance): Promise<void> {
    const { world } = this;
    const draftId = chance.is(0.7) ? chance.one(drafts.known).id : null;
    const what = draftId === null ? { email: drafts.email } : { draftId };
    const hold = await unlessRefused(world.commands.placeHold(world.admin, { ...what, reason: 'a law suit' }));
    if (!hold) return;
    const answeredAt = await world.now();
    this.placed.push({ id: hold.id, draftId, answeredAt, releasedAt: null });
    const draft = draftId && (await world.db.draft.findUniqueOrThrow({ where: { id: draftId } }));
    if (draft && draft.status === 'erased' && this.standing.some(({ id }) => id === hold.id))
      faults.push(`${draftId} is held and erased`);
  }

  get standing(): PlacedHold[] {
    return this.placed.filter(({ releasedAt }) => releasedAt === null);
  }

  async releaseOne(): Promise<void> {
    const [hold] = this.standing;
    if (!hold) return;
    hold.releasedAt = await this.world.now();
    await this.world.commands.releaseHold(this.world.admin, hold.id);
  }
  async releaseAll(): Promise<void> {
    while (this.standing.length > 0) await this.releaseOne();
  }

  /** Drafts that were taken something from while they were held. */
  async broken(ownIds: string[]): Promise<string[]> {
    const broken: string[] = [];
    for (const { draftId, answeredAt, releasedAt } of this.placed) {
      const { rows } = await this.world.pool.query(
        `SELECT e.subject_id AS id, e.type FROM audit_events e
         WHERE e.subject_id = ANY ($1) AND e.at > $2 AND e.at < $3 AND ${TAKEN_FROM}`,
        [draftId === null ? ownIds : [draftId], answeredAt, releasedAt ?? (await this.world.now())],
      );
      broken.push(...rows.map(({ id, type }) => `${id}: ${type} while it was held`));
    }
    return broken;
  }
}
