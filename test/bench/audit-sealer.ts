// The sealer in a process of its own, as a worker runs it.
import { setTimeout as delay } from 'node:timers/promises';
import { createSealer } from '../../activities/audit-trail/seal';
import { ONE_CONNECTION } from '../../ops/audit/connection';
import { createDatabase } from '../../prisma/client';

const { db } = createDatabase({ ...ONE_CONNECTION, DATABASE_URL: process.env.DATABASE_URL as string });
const seal = createSealer(db);

async function run(): Promise<never> {
  for (;;) if (!(await seal())?.isMore) await delay(1_000);
}

process.on('SIGTERM', () => process.exit(0));
process.send?.({ port: 0 });
void run();
