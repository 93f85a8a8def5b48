// stand-in until merged
import type { ObjectStore } from '../../../ops/runtime/object-store';
import type { Database } from '../../../prisma/client';
export async function findAttachmentsThatMention(
  _db: Database,
  _files: ObjectStore,
  _email: string,
  _beat: () => void,
): Promise<Map<string, string[]>> {
  return new Map();
}
