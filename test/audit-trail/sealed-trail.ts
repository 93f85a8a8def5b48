// An audit trail of a test's own: events, a sealer, anchors in a folder.
import { pathToFileURL } from 'node:url';
import { uuidv7 } from 'uuidv7';
import { noteAnchored, writeAnchor } from '../../activities/audit-trail/anchors';
import { createSealer, readHead } from '../../activities/audit-trail/seal';
import { createSigner } from '../../activities/audit-trail/signatures';
import { type Verification, verifyTrail } from '../../activities/audit-trail/verify';
import { recordEvent } from '../../activities/commands/audit';
import { SYSTEM } from '../../activities/commands/context';
import { openObjectStore } from '../../ops/runtime/object-store';
import { asSuperuser, createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';

export const SECRET_KEY = [Buffer.alloc(32, 7)];

/** As whoever has the database to himself: no trigger stops him. */
export function tamperWith(database: Pick<TestDatabase, 'url'>, ...statements: string[]): Promise<unknown> {
  const triggers = (state: string) =>
    ['audit_events', 'audit_seals', 'audit_checkpoints'].map((table) => `ALTER TABLE ${table} ${state} TRIGGER ALL`);
  return asSuperuser(database, [...triggers('DISABLE'), ...statements, ...triggers('ENABLE')].join('; '));
}

export class SealedTrail {
  readonly folder = newFolder('audit');
  readonly store = openObjectStore(pathToFileURL(this.folder).href);
  readonly signer = createSigner(SECRET_KEY);

  private constructor(readonly database: TestDatabase) {}

  static async create(): Promise<SealedTrail> {
    return new SealedTrail(await createTestDatabase());
  }
  get db() {
    return this.database.db;
  }

  async record(count: number, type = 'draft.submitted'): Promise<void> {
    for (let i = 0; i < count; i++) {
      const entry = { type, subject: 'draft', subjectId: uuidv7(), revision: 1, data: { b: i, a: { d: 1, c: 'ü' } } };
      await recordEvent(this.db, { actor: SYSTEM, requestId: uuidv7() }, entry);
    }
  }

  tamper(...statements: string[]): Promise<unknown> {
    return tamperWith(this.database, ...statements);
  }

  /** Signs the head of the chain, as the worker does each minute. */
  async anchor(): Promise<void> {
    const head = await readHead(this.db);
    if (await writeAnchor(this.store, this.signer, head)) await noteAnchored(this.db, head);
  }

  verify(): Promise<Verification> {
    return verifyTrail({ db: this.db, store: this.store, verifier: this.signer });
  }

  /** Until nothing is left to seal. */
  async seal(batch?: number): Promise<number> {
    const seal = createSealer(this.db, batch);
    let events = 0;
    for (;;) {
      const sealed = await seal();
      events += sealed?.events.length ?? 0;
      if (!sealed?.isMore) return events;
    }
  }
}
