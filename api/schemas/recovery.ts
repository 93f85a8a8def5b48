// Backups, restores and drills as they are asked for and as they show themselves.
import { z } from 'zod';
import { SetId } from '../../activities/backup/manifest';
import { isSetUrl } from '../../ops/recovery/set-url';
import { BACKUP_PARTS } from '../../workflows/contracts/backup';
import { listOf, pageQuery } from './page';
import { instant, uuid } from './text';

const time = () => z.string().meta({ format: 'date-time' });
const bytes = (description: string) =>
  z
    .number()
    .nullable()
    .meta({ description: `Bytes: ${description}` });

const KIND = { error: 'must be full or incr' };
export const NewBackup = z
  .strictObject({
    kind: z.enum(['full', 'incr'], KIND).optional().meta({ description: 'full unless given' }),
    parts: z
      .array(z.enum(BACKUP_PARTS, { error: `must be one of ${BACKUP_PARTS.join(', ')}` }))
      .min(1, 'must name one part or more')
      .max(BACKUP_PARTS.length, 'must name each part once')
      .refine((parts) => new Set(parts).size === parts.length, { error: 'must name each part once' })
      .optional()
      .meta({ description: 'All unless given' }),
  })
  .meta({ id: 'NewBackup' });

const FROM = {
  error: 'must be latest, the id of a set like 20260123T180000Z, or an s3:// URL without `@`, `?` and `#`',
};
const isFrom = (from: string) =>
  from === 'latest' || SetId.safeParse(from).success || (from.startsWith('s3://') && isSetUrl(from, ['s3:']));
const OPERATION = { error: 'must be the id of an operation' };

export const NewRestore = z
  .strictObject({
    from: z
      .string(FROM)
      .max(1000, FROM)
      .refine(isFrom, FROM)
      .optional()
      .meta({ description: 'latest unless given', example: 'latest' }),
    time: instant()
      .optional()
      .meta({ description: 'To this time; else to the end of the set', example: '2026-01-23T18:00:00+01:00' }),
    before: z
      .string(OPERATION)
      .regex(/^[A-Za-z0-9][\w.:-]{0,199}$/, OPERATION)
      .optional()
      .meta({ description: 'To the restore point that this operation recorded' }),
    dryRun: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .meta({ description: 'Only looks whether it could be done' }),
  })
  .refine(({ time, before }) => time === undefined || before === undefined, {
    error: 'is given together with `time`: one or the other',
    path: ['before'],
  })
  .refine(({ time }) => time === undefined || Date.parse(time) <= Date.now(), {
    error: 'has not come yet',
    path: ['time'],
  })
  .meta({ id: 'NewRestore' });

export const NewReconciliation = z
  .strictObject({
    acceptLoss: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .meta({ description: 'Goes on with what is known' }),
  })
  .meta({ id: 'NewReconciliation' });

const Beat = z
  .object({ done: z.number(), total: z.number().nullable(), unit: z.enum(['bytes', 'files', 'rows']) })
  .meta({ id: 'StepBeat' });
const run = {
  status: z
    .enum(['waiting', 'running', 'awaiting_confirmation', 'done', 'failed', 'refused', 'aborted', 'unknown'])
    .meta({ description: '`unknown`: no worker answers at the moment' }),
  startedAt: time(),
  finishedAt: time().nullable(),
  steps: z.array(z.object({ step: z.string(), startedAt: time(), finishedAt: time().nullable() })),
  beat: Beat.nullable().meta({ description: 'How far the running step is' }),
  waitsFor: z.string().nullable().meta({ description: 'What somebody has to do before it can go on' }),
  trouble: z.string().nullable().meta({ description: 'Why what it waits for was tried in vain the last time' }),
  result: z.record(z.string(), z.unknown()).nullable(),
  problem: z.object({ code: z.string(), message: z.string() }).nullable(),
};
export const Run = z.object(run).meta({ id: 'RecoveryRun' });

const set = {
  id: z.string().meta({ example: '20260123T180000Z' }),
  kind: z.enum(['full', 'incr']).nullable(),
  parts: z.array(z.enum(BACKUP_PARTS)).nullable(),
  startedAt: time().nullable(),
  finishedAt: time().nullable(),
  size: bytes('of what was backed up'),
  stored: bytes('that are kept for database and Redis, much of it for other sets too'),
};
export const Backup = z
  .object({
    ...set,
    status: z.enum([...run.status.options, 'broken', 'unknown_key']).meta({
      description:
        '`broken`: its manifest was changed or is unreadable. `unknown_key`: a key that is not in SECRET_KEY signed it. Neither is used',
    }),
  })
  .meta({ id: 'Backup' });
export const BackupDetails = Backup.extend({
  steps: run.steps,
  beat: run.beat,
  waitsFor: run.waitsFor,
  trouble: run.trouble,
  result: run.result,
  problem: run.problem,
}).meta({ id: 'BackupDetails' });

export const Archiving = z
  .object({
    state: z.enum(['ok', 'stalled', 'unknown']),
    reason: z.string().nullable().meta({ description: 'A code', example: 'segments_wait' }),
    oldestWaitingSeconds: z
      .number()
      .nullable()
      .meta({ description: 'How long the oldest segment of the log has waited' }),
  })
  .meta({
    id: 'Archiving',
    description: 'Whether the write-ahead log reaches the repository: `ok` once a segment was archived and read back',
  });

export const Accepted = z.object({ id: z.string(), status: z.literal('accepted') }).meta({ id: 'AcceptedRun' });
export const BackupList = listOf(Backup).extend({ archiving: Archiving }).meta({ id: 'BackupList' });

export const Restore = z
  .object({
    id: uuid(),
    ...run,
    startedAt: run.startedAt.nullable(),
    record: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What is written down beside the backups, and outlives Temporal' }),
    reconciliation: Run.nullable(),
  })
  .meta({ id: 'Restore' });
export const RestoreList = listOf(Restore).meta({ id: 'RestoreList' });

export const Lost = z.looseObject({}).meta({ id: 'Lost' });

export const Drill = z.object({ id: z.string(), ...run }).meta({ id: 'RestoreDrill' });
export const DrillReport = z
  .object({ id: z.string().meta({ description: 'Its time' }), report: z.record(z.string(), z.unknown()).nullable() })
  .meta({ id: 'DrillReport' });
export const DrillReportList = listOf(DrillReport).meta({ id: 'DrillReportList' });

export const RecoveryQuery = z.strictObject(pageQuery);
