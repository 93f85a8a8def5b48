// What people and agents do with a service, at random, and what they were told.
import { setTimeout as delay } from 'node:timers/promises';
import type { DraftView } from '../../activities/commands/draft-view';
import { Refusal } from '../../activities/commands/refusal';
import type { Random } from '../support/random';
import type { TestService } from '../support/service';

/** What was acknowledged. */
export interface Acknowledged {
  submitted: Map<string, string>;
  approved: Set<string>;
  rejected: Set<string>;
  withdrawn: Set<string>;
  revised: Map<string, number>;
  suppressed: Set<string>;
  /** By address: the request. */
  erased: Map<string, string>;
}

const PEOPLE = 12;
const PAUSE_MS = 80;

export class RandomHistory {
  readonly told: Acknowledged = {
    submitted: new Map(),
    approved: new Set(),
    rejected: new Set(),
    withdrawn: new Set(),
    revised: new Map(),
    suppressed: new Set(),
    erased: new Map(),
  };
  private readonly drafts: DraftView[] = [];

  constructor(
    private readonly service: TestService,
    private readonly random: Random,
  ) {}

  async act(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.actOnce().catch((error) => {
        if (!(error instanceof Refusal)) throw error;
      });
      await delay(this.random() * PAUSE_MS);
    }
  }

  private pick<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.random() * all.length)];
  }

  /** Returns null if the database has gone back to before that draft. */
  private async readRevision(id: string): Promise<number | null> {
    return (await this.service.database.db.draft.findUnique({ where: { id } }))?.revision ?? null;
  }

  private async actOnce(): Promise<void> {
    const { service, told } = this;
    const { commands, admin } = service.test;
    const dice = this.random();
    const draft = this.pick(this.drafts.slice(-20));
    const email = `person-${Math.floor(this.random() * PEOPLE)}@customer.example`;
    if (dice < 0.4 || !draft) {
      const sure = this.random() < 0.4;
      // Many are to be sent a moment later: perhaps the cut comes in between.
      const later = this.random() < 0.6 ? { sendAt: new Date(Date.now() + this.random() * 2_500).toISOString() } : {};
      const submitted = await (sure ? service.submitDue(email, later) : service.submitForReview(email, later));
      told.submitted.set(submitted.id, email);
      if (!sure || submitted.status === 'scheduled') this.drafts.push(submitted);
    } else if (dice < 0.68) {
      const revision = await this.readRevision(draft.id);
      if (revision === null) return;
      await commands.approveDraft(service.approver, { id: draft.id, revision });
      told.approved.add(draft.id);
      // Where that was lost, somebody has decided anew.
      told.rejected.delete(draft.id);
      told.withdrawn.delete(draft.id);
    } else if (dice < 0.76) {
      await commands.rejectDraft(service.approver, { id: draft.id, reason: 'no' });
      told.rejected.add(draft.id);
    } else if (dice < 0.84) {
      const revision = await this.readRevision(draft.id);
      if (revision === null) return;
      const revised = await commands.reviseDraft(service.author, {
        id: draft.id,
        revision,
        body: `Better (${revision}).`,
      });
      told.revised.set(draft.id, revised.revision);
      told.approved.delete(draft.id);
    } else if (dice < 0.92) {
      await commands.withdrawDraft(service.author, { id: draft.id });
      told.withdrawn.add(draft.id);
    } else if (dice < 0.97) {
      await commands.addSuppression(admin, { email, reason: 'asked' });
      told.suppressed.add(email);
    } else if (told.erased.size < 2) {
      const { requestId } = await commands.requestErasure(admin, { email, grace: 'PT0S' });
      told.erased.set(email, requestId);
    }
  }
}
