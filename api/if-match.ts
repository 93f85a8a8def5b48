// A change that counts only on top of what its caller has read.
import type { Request } from 'express';
import { Refusal } from '../activities/commands/refusal';
import { Problem } from './problems';

/** Undefined where the caller says nothing. */
export function readIfMatch({ headers }: Pick<Request, 'headers'>): number | undefined {
  const given = headers['if-match'];
  if (given === undefined) return undefined;
  const [, read] = /^\s*"?(\d{1,9})"?\s*$/.exec(given) ?? [];
  if (read === undefined) throw new Problem('precondition-failed', 'If-Match names nothing that was ever here.');
  return Number(read);
}

export async function unlessStale<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'stale_revision')) throw error;
    throw new Problem('precondition-failed', error.message);
  }
}
