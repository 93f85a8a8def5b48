// Describes settings that are numbers. Only plain decimal digits count: Number() would take ' ', '0x1F' and '1e9' too.
import { z } from 'zod';

const WHOLE = /^\d{1,15}$/;
const DECIMAL = /^\d{1,15}(\.\d{1,9})?$/;

/** A longer time overflows Node's timers, which then fire at once. */
export const LONGEST_TIMER_SECONDS = 2_147_483;
/** PostgreSQL's `make_interval` and JavaScript's Date both hold a century. */
export const LONGEST_DAYS = 36_500;

export function whole(least: number, most: number, fallback: number) {
  const fault = { error: `must be a whole number from ${least} to ${most}` };
  return z
    .string()
    .refine((value) => WHOLE.test(value) && Number(value) >= least && Number(value) <= most, fault)
    .transform(Number)
    .default(fallback);
}

/** 0 lets the system choose, which tests use. */
export const port = (fallback: number) => whole(0, 65_535, fallback);

export function hours(fallback: number) {
  const most = LONGEST_DAYS * 24;
  const isInRange = (value: string) => DECIMAL.test(value) && Number(value) > 0 && Number(value) <= most;
  const fault = { error: `must be a number above 0 and up to ${most}` };
  return z.string().refine(isInRange, fault).transform(Number).default(fallback);
}

export function share(fallback: number) {
  const fault = { error: 'must be a number from 0 to 1' };
  return z
    .string()
    .refine((value) => DECIMAL.test(value) && Number(value) <= 1, fault)
    .transform(Number)
    .default(fallback);
}
