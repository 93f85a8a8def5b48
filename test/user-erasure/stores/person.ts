// Whom the stores are asked about in their tests.
import { uuidv7 } from 'uuidv7';
import { createSubjects } from '../../../activities/personal-data/subject';
import type { Person } from '../../../activities/user-erasure/stores/store';
import { SETTINGS } from '../../support/commands';

export function person(email: string): Person {
  return { email, hashes: createSubjects(SETTINGS.SECRET_KEY).hashesOf(email), requestId: uuidv7() };
}
