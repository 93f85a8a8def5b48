// The environment of a service process under test.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../ops/local/ports';
import type { Environment } from './processes';
import { testServers } from './servers';

export const ADMIN_PASSWORD = 'the-admin-password-of-the-tests';

export async function testEnvironment(
  given: { DATABASE_URL: string; TEMPORAL_NAMESPACE: string; SMTP_URL: string } & Environment,
): Promise<Environment> {
  const files = newFolder('files');
  return {
    TEMPORAL_ADDRESS: testServers().temporal,
    REDIS_URL: testServers().redis,
    MAIL_FROM: 'Countersign <outbox@countersign.example>',
    FILES_URL: `file://${files}`,
    BACKUP_URL: `file://${newFolder('backup')}`,
    ADMIN_PASSWORD,
    SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    PORT: String(await freePort()),
    METRICS_PORT: String(await freePort()),
    // Whoever probes a worker names a port; several may run at once.
    WORKER_PORT: '0',
    WORKER_METRICS_PORT: String(await freePort()),
    LOG_LEVEL: 'debug',
    DB_POOL_SIZE: '2',
    DB_POOL_OVERFLOW: '8',
    ...given,
  };
}

/** A new folder that goes with the run. */
export function newFolder(name: string): string {
  return mkdtempSync(join(testServers().folder, `${name}-`));
}
