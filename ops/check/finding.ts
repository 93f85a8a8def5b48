// Defines a line of the check's table, and runs a check so that each outcome is one.
import { TookTooLong, within } from '../runtime/within';

export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  /** Names the thing that was tried, for instance `PostgreSQL: migrations`. */
  check: string;
  status: Status;
  /** Describes the outcome, without secrets. */
  found: string;
  /** Tells the operator what to do; null if nothing has to be done. */
  remedy: string | null;
}

export const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, remedy: null });
export const skipped = (check: string, found: string): Finding => ({ check, status: 'skipped', found, remedy: null });
export const warning = (check: string, found: string, remedy: string): Finding => ({
  check,
  status: 'warning',
  found,
  remedy,
});
export const failed = (check: string, found: string, remedy: string): Finding => ({
  check,
  status: 'failed',
  found,
  remedy,
});

export type Check = () => Promise<Finding[]>;

const ANSWERS_WITHIN_MS = 30_000;

/** Runs a check within a bounded time. What it throws is a failed line, by its class and code: a message may hold a secret. */
export async function attempt(check: string, remedy: string, work: Check): Promise<Finding[]> {
  try {
    return await within(ANSWERS_WITHIN_MS, work());
  } catch (error) {
    if (error instanceof TookTooLong) return [failed(check, `no answer within ${ANSWERS_WITHIN_MS / 1000} s`, remedy)];
    const { name, code } = error as { name?: string; code?: unknown };
    return [failed(check, [name, code].filter(Boolean).join(' '), remedy)];
  }
}
