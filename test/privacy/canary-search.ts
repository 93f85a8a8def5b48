// Looks for the canary person in everything that a Countersign writes.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createTemporalSource } from '../../activities/erasure-scan';
import { collect } from '../support/collect';
import { EMAIL, tracesInFolder, tracesOfCanary } from './canary-person';
import type { CanaryService } from './canary-service';

/** What the processes say of themselves. */
export async function expectNobodyTold({ base, api, worker, sentry }: CanaryService): Promise<void> {
  const ports = [base.environment.METRICS_PORT, base.environment.WORKER_METRICS_PORT];
  const pages = await Promise.all(ports.map((port) => fetch(`http://127.0.0.1:${port}/metrics`)));
  const metrics = await Promise.all(pages.map((page) => page.text()));
  expect(metrics[0]).toContain('/api/gdpr/user/:email');
  expect(api.log).toContain('/api/gdpr/user/:email');
  const told = { api: api.log, worker: worker.log, metrics: metrics.join(''), sentry: sentry.envelopes.join('\n') };
  for (const [name, words] of Object.entries(told)) {
    expect(words.length).toBeGreaterThan(500);
    expect([name, tracesOfCanary(Buffer.from(words))]).toEqual([name, []]);
  }
}

/** What Temporal shows of each workflow, and what it has written to its disk. */
export async function expectNobodyInTemporal({ base, temporal }: CanaryService): Promise<void> {
  const { client, namespace } = base.temporal;
  const ids: string[] = [];
  const source = createTemporalSource(client, namespace);
  for await (const { place: id, chunks } of source.read([{ email: EMAIL, fingerprints: [] }])) {
    const bytes = chunks instanceof Uint8Array ? [chunks] : ((await collect(chunks)) as Uint8Array[]);
    ids.push(id);
    expect([id, tracesOfCanary(Buffer.concat([Buffer.from(`${id}\n`), ...bytes]))]).toEqual([id, []]);
  }
  expect(ids).toEqual(expect.arrayContaining(['lane-email', expect.stringMatching(/^draft-/)]));
  expect(tracesInFolder(temporal.folder)).toEqual({});
}

/** Among all that may know a person until they are erased. */
export async function whoKnows(service: CanaryService): Promise<string[]> {
  const { base, mailbox, redisServer } = service;
  const options = { encoding: 'buffer', maxBuffer: 2 ** 28 } as const;
  const { stdout } = await promisify(execFile)('pg_dump', [base.database.url], options);
  const folders = [service.folder('FILES_URL'), service.folder('BACKUP_URL'), mailbox, redisServer.folder];
  return [
    ...folders.flatMap((folder) => Object.keys(tracesInFolder(folder))),
    ...(tracesOfCanary(stdout).length > 0 ? ['database'] : []),
  ];
}
