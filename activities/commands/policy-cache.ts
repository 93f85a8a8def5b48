// The policy in force, kept by each process: a submission writes only where its version is still the newest.
import type { Database } from '../../prisma/client';
import type { PolicyDocument } from './policy';

export interface StoredPolicy {
  version: number;
  document: PolicyDocument;
}

export async function readPolicy(db: Database): Promise<StoredPolicy> {
  const { version, document } = await db.policy.findFirstOrThrow({ orderBy: { version: 'desc' } });
  return { version, document: document as unknown as PolicyDocument };
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
