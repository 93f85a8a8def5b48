// The policy in force, kept by each process: a submission writes only where it still is.
import type { Database } from '../../prisma/client';
import type { PolicyDocument } from './policy';

export interface StoredPolicy {
  version: number;
  /** The life of the database in which it was read: another one may give its version to another policy. */
  generation: number;
  document: PolicyDocument;
}

export async function readPolicy(db: Database): Promise<StoredPolicy> {
  const [policy] = await db.$queryRaw<[StoredPolicy]>`
    SELECT p.version, p.document, i.generation FROM policies p, instance i
    WHERE i.id = 1 ORDER BY p.version DESC LIMIT 1`;
  return policy;
}

export function createPolicyCache(db: Database) {
  let cached: Promise<StoredPolicy> | null = null;
  const forgetNow = () => {
    cached = null;
  };
  return {
    current(): Promise<StoredPolicy> {
      if (!cached) {
        cached = readPolicy(db);
        cached.catch(forgetNow);
      }
      return cached;
    },
    /** It proved to be old. */
    forget: forgetNow as (policy: StoredPolicy) => void,
  };
}
