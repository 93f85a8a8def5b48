// Retention as it is asked for and as it shows itself.
import { z } from 'zod';
import { listOf, pageQuery } from './page';
import { uuid } from './text';

/** A hundred years: far enough, and PostgreSQL still reckons with it. */
const MOST_DAYS = 36_500;
const DAYS = { error: `must be a whole number from 1 to ${MOST_DAYS}` };
const time = () => z.string().meta({ format: 'date-time' });

export const NewCleanup = z
  .strictObject({
    olderThanDays: z
      .int(DAYS)
      .min(1, DAYS)
      .max(MOST_DAYS, DAYS)
      .optional()
      .meta({ description: 'Since their creation; DRAFT_RETENTION_DAYS by default', example: 90 }),
    dryRun: z.boolean({ error: 'must be true or false' }).optional().meta({ description: 'Only counts' }),
  })
  .meta({ id: 'NewCleanup' });

export const CleanupPreview = z
  .object({
    drafts: z.int().meta({ description: 'Would be erased' }),
    held: z.int().meta({ description: 'Would stay because of a legal hold' }),
  })
  .meta({ id: 'CleanupPreview' });

export const Cleanup = z
  .object({
    id: uuid(),
    status: z.enum(['running', 'partial', 'done', 'failed']),
    before: time().meta({ description: 'Drafts created before this time go' }),
    drafts: z.int().meta({ description: 'Erased so far' }),
    held: z.int().meta({ description: 'Left because of a legal hold' }),
    reason: z.enum(['cancelled', 'locked', 'gave_up', 'abandoned']).nullable(),
    startedAt: time(),
    finishedAt: time().nullable(),
  })
  .meta({ id: 'Cleanup' });
export const CleanupList = listOf(Cleanup).meta({ id: 'CleanupList' });
export const CleanupQuery = z.strictObject(pageQuery);

const count = { day: z.iso.date(), campaign: z.string().nullable(), authorId: uuid(), count: z.int() };

export const Statistics = z
  .object({
    drafts: z.array(z.object({ ...count, status: z.string(), outcome: z.string().nullable() })),
    decisions: z.array(z.object({ ...count, verdict: z.string() })),
    sends: z.array(z.object({ ...count, outcome: z.string().nullable() })),
    timesToDecision: z.array(
      z.object({ ...count, medianSeconds: z.number(), p90Seconds: z.number(), longestSeconds: z.number() }),
    ),
  })
  .meta({ id: 'Statistics', description: 'Days are of UTC; no row says anything about a recipient' });
