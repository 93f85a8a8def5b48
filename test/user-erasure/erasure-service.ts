// A Countersign of a test's own, with what an admin commands about persons.

import { Readable } from 'node:stream';
import { uuidv7 } from 'uuidv7';
import { storeAttachment } from '../../activities/attachments';
import { BOOTSTRAP_ADMIN, type CommandContext } from '../../activities/commands/context';
import type { Commands } from '../../activities/commands/index';
import { createMentionIndex } from '../../activities/mention-index';
import { createMatcher } from '../../activities/personal-data/matching/matcher';
import { createSubjects, normaliseAddress } from '../../activities/personal-data/subject';
import { receiveFile } from '../../activities/received-file';
import { type PreviewEntry, readErasure } from '../../activities/user-erasure/erasure-record';
import { type ErasureView, readSteps, toView } from '../../activities/user-erasure/erasure-view';
import { createStores } from '../../activities/user-erasure/stores/registry';
import type { Person, PersonalDataStore } from '../../activities/user-erasure/stores/store';
import { openObjectStore } from '../../ops/runtime/object-store';
import { hasEnded } from '../../workflows/contracts/user-erasure';
import { SETTINGS } from '../support/commands';
import { TestService } from '../support/service';
import { until } from '../support/until';

export class ErasureService {
  readonly stores: PersonalDataStore[];
  readonly files;
  private readonly subjects = createSubjects(SETTINGS.SECRET_KEY);

  private constructor(readonly base: TestService) {
    const { FILES_URL = '', HUBSPOT_ACCESS_TOKEN, HUBSPOT_BASE_URL = '', MAILBOX_PATH } = base.environment;
    this.files = openObjectStore(FILES_URL);
    const { db } = base.database;
    const matcher = createMatcher();
    this.stores = createStores({
      db,
      files: this.files,
      matcher,
      index: createMentionIndex({ db, files: this.files, subjects: this.subjects, matcher }),
      redis: null,
      temporal: base.temporal.client,
      settings: { ...SETTINGS, APPROVAL_DEADLINE_HOURS: 72, HUBSPOT_ACCESS_TOKEN, HUBSPOT_BASE_URL, MAILBOX_PATH },
    });
  }

  static async create(options: Parameters<typeof TestService.create>[0] = {}): Promise<ErasureService> {
    return new ErasureService(await TestService.create(options));
  }

  get commands(): Commands {
    return this.base.test.commands;
  }
  get admin(): CommandContext {
    return { actor: BOOTSTRAP_ADMIN, requestId: uuidv7() };
  }

  person(address: string): Person {
    const email = normaliseAddress(address);
    return { email, hashes: this.subjects.hashesOf(email), requestId: uuidv7() };
  }
  /** A file that drafts may name. @returns its id */
  async upload(content: string, name = 'notes.txt'): Promise<string> {
    const file = await receiveFile(Readable.from([Buffer.from(content)]), name);
    const { type, size, sha256 } = file;
    const { id } = await storeAttachment({ db: this.base.database.db, files: this.files }, file, () =>
      this.commands.recordAttachment(this.base.author, { name, type, size, sha256 }),
    );
    await file.discard();
    return id;
  }
  request(email: string, grace = 'PT24H'): Promise<ErasureView> {
    return this.commands.requestErasure(this.admin, { email, grace });
  }
  /** Once a worker has made it. */
  preview(requestId: string): Promise<PreviewEntry[]> {
    return until('it has a preview', async () => (await this.look(requestId)).preview);
  }
  async erase(email: string): Promise<ErasureView> {
    return this.ended((await this.request(email, 'PT0S')).requestId);
  }

  async look(requestId: string): Promise<ErasureView> {
    const record = await readErasure(this.base.database.db, requestId);
    if (!record) throw new Error('No such erasure');
    return toView(record, await readSteps(this.base.database.db, requestId));
  }
  in(status: ErasureView['status'], requestId: string): Promise<ErasureView> {
    return until(`the erasure is ${status}`, async () => {
      const erasure = await this.look(requestId);
      return erasure.status === status ? erasure : null;
    });
  }
  ended(requestId: string, withinMs?: number): Promise<ErasureView> {
    return until(
      'the erasure ends',
      async () => {
        const erasure = await this.look(requestId);
        return hasEnded(erasure) ? erasure : null;
      },
      withinMs,
    );
  }

  close(): Promise<void> {
    return this.base.close();
  }
}
