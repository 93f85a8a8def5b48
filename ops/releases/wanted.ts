// Describes the record of what is to run, as both drivers keep it.
import { z } from 'zod';
import { Version } from './release';

export const WantedRecord = z.object({
  api: Version.nullable(),
  trial: Version.nullable(),
  workers: z.array(z.object({ version: Version, buildId: z.string().nullable() })),
});
