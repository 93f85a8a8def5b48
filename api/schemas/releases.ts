// Releases and rollbacks as they are asked for and as they show themselves.
import { z } from 'zod';
import { toVersion, Version } from '../../ops/releases/release';
import { listOf } from './page';
import { Run } from './recovery';
import { LATEST, text, uuid } from './text';

const time = () => z.string().meta({ format: 'date-time' });
const VERSION = { error: 'must be a version such as 1.2.3 or v1.2.3' };

export const Release = z
  .object({
    version: z.string(),
    commit: z.string().nullable().meta({ description: 'Null if it was not built in a clone' }),
    buildId: z.string().meta({ description: 'Of its workers, as Temporal knows them' }),
    bundleHash: z.string().meta({ description: "SHA-256 of the workflows' bundle" }),
    lastMigration: z.string().meta({ description: 'The newest migration that it knows' }),
    state: z.enum(['registered', 'current', 'draining', 'retired', 'rolled_back', 'failed']).meta({
      description: '`draining`: runs are left that end on its workers. `failed`: its deployment was undone',
    }),
    registeredAt: time(),
    registeredBy: uuid().nullable().meta({ description: 'Null for an operator at the command line' }),
    currentSince: time().nullable().meta({ description: 'When it last began to serve' }),
  })
  .meta({
    id: 'Release',
    example: {
      version: '1.3.0',
      commit: '389d07f0c1b2a3948576a1b2c3d4e5f60718293a',
      buildId: '1.3.0-7356543b',
      bundleHash: 'a3f1c0d2b4e5968778695a4b3c2d1e0f00112233445566778899aabbccddeeff',
      lastMigration: '20261201080000_releases',
      state: 'current',
      registeredAt: '2026-12-01T08:15:40.000Z',
      registeredBy: null,
      currentSince: '2026-12-01T08:16:22.000Z',
    },
  });
export const ReleaseList = listOf(Release).meta({ id: 'ReleaseList' });

/** The time and version of the last release of a page. */
export const ReleaseCursor = z.tuple([z.int().min(0).max(LATEST), Version]);

export const NewRollback = z
  .strictObject({
    version: z
      .string(VERSION)
      .max(65, VERSION)
      .transform(toVersion)
      .refine((version) => Version.safeParse(version).success, VERSION)
      .optional()
      .meta({ type: 'string', description: 'The release that served before unless given', example: 'v1.2.3' }),
    dryRun: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .meta({ description: 'Rehearses it on a copy of the newest backup, and changes nothing' }),
    reason: text(2000)
      .optional()
      .meta({ description: 'Kept in the database, beside the audit event', example: '500s on POST /api/drafts' }),
  })
  .meta({ id: 'NewRollback', example: { version: 'v1.2.3', reason: '500s on POST /api/drafts since 14:02' } });

export const Rollback = Run.extend({
  id: uuid(),
  startedAt: time().nullable(),
}).meta({ id: 'Rollback' });
export const RollbackList = listOf(Rollback).meta({ id: 'RollbackList' });
