// A database with its index of mentions, for tests that ask it who is mentioned where.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { attachmentKey, storeAttachment } from '../../activities/attachments';
import type { CommandContext } from '../../activities/commands/context';
import { createMentionIndex, type MentionIndex } from '../../activities/mention-index';
import { createMatcher, type Matcher } from '../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../activities/personal-data/subject';
import { receiveFile } from '../../activities/received-file';
import { type ObjectStore, openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { aDraft, createTestCommands, SETTINGS, type TestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';

export class Indexing {
  private constructor(
    readonly database: TestDatabase,
    readonly test: TestCommands,
    readonly author: CommandContext,
    readonly files: ObjectStore,
    readonly matcher: Matcher,
  ) {}

  static async create(): Promise<Indexing> {
    const database = await createTestDatabase();
    const test = createTestCommands(database.db);
    const author = await test.person('an agent', 'author');
    return new Indexing(database, test, author, openObjectStore(`file://${newFolder('files')}`), createMatcher());
  }

  /** @param changes another matcher, or the keys of another SECRET_KEY */
  index({ matcher = this.matcher, keys = SETTINGS.SECRET_KEY } = {}): MentionIndex {
    const { db } = this.database;
    return createMentionIndex({ db, files: this.files, matcher, subjects: createSubjects(keys) });
  }
  catchUp = (): Promise<void> => this.index().catchUp(() => {});

  async draft(body: string): Promise<string> {
    return (await this.test.commands.submitDraft(this.author, aDraft({ body }))).id;
  }
  async upload(content: string): Promise<{ id: string; sha256: string }> {
    const file = await receiveFile(Readable.from([Buffer.from(content)]), 'notes.txt');
    const { type, size, sha256 } = file;
    const { id } = await storeAttachment({ db: this.database.db, files: this.files }, file, () =>
      this.test.commands.recordAttachment(this.author, { name: 'notes.txt', type, size, sha256 }),
    );
    await file.discard();
    return { id, sha256 };
  }

  /** Where the address is noted, as `<table> <id>`. */
  async placesOf(address: string, keys = SETTINGS.SECRET_KEY): Promise<string[]> {
    const hash = Buffer.from(createSubjects(keys).hashesOf(address)[0] as Uint8Array);
    return this.placesOfHash(hash);
  }
  async placesOfHash(hash: Buffer): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      'SELECT place, row_id FROM mentions WHERE hash = $1 ORDER BY 1, 2',
      [hash],
    );
    return rows.map(({ place, row_id }) => `${place} ${row_id}`);
  }
  async hasObject(sha256: string): Promise<boolean> {
    return (await collect(this.files.list(attachmentKey(sha256)))).length > 0;
  }
  async countDue(): Promise<number> {
    return (await this.database.pool.query('SELECT count(*)::int AS due FROM mentions_due')).rows[0].due;
  }
  async countMentions(): Promise<number> {
    return (await this.database.pool.query('SELECT count(*)::int AS noted FROM mentions')).rows[0].noted;
  }

  async close(): Promise<void> {
    await this.matcher.close();
    await this.database.drop();
  }
}

export const newKey = () => randomBytes(32);
/** More than one row may have in the index. */
export const manyAddresses = (count = 1_200) =>
  Array.from({ length: count }, (_, n) => `person-${n}@customer.example`).join('\n');
