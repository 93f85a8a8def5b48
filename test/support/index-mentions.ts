// Brings the index of mentions up to date, as a worker does.
import { createMentionIndex } from '../../activities/mention-index';
import { createMatcher } from '../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../activities/personal-data/subject';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import { SETTINGS } from './commands';

export async function indexMentions(db: Database, files: ObjectStore): Promise<void> {
  const matcher = createMatcher();
  const subjects = createSubjects(SETTINGS.SECRET_KEY);
  await createMentionIndex({ db, files, subjects, matcher })
    .catchUp(() => {})
    .finally(() => matcher.close());
}
