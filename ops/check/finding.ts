// What a check finds out: each line of the table has one of these.
export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  /** What was tried, for instance `PostgreSQL: right to name restore points`. */
  check: string;
  status: Status;
  /** What was found, without secrets. */
  found: string;
  /** What to do; null where nothing has to be done. */
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
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<Finding[]>((resolve) => {
    const late = failed(check, `no answer within ${ANSWERS_WITHIN_MS / 1000} s`, remedy);
    timer = setTimeout(() => resolve([late]), ANSWERS_WITHIN_MS);
  });
  try {
    return await Promise.race([work(), silent]);
  } catch (error) {
    const { name, code } = error as { name?: string; code?: unknown };
    return [failed(check, [name, code].filter(Boolean).join(' '), remedy)];
  } finally {
    clearTimeout(timer);
  }
}
