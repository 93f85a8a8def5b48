// Temporal by its API and by its raw database: whatever a workflow was given shows, open or closed.
import { join } from 'node:path';
import { type Client, Connection } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { createFilesSource, createTemporalSource, type SourceReport } from '../../activities/erasure-scan';
import { DraftStatusAttribute } from '../../workflows/contracts/search-attributes';
import { type OwnServer, startOwnTemporal } from '../support/own-server';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { scanOne } from './scan-one';
import { EMAIL, NEAR_MISSES } from './spellings';

let temporal: OwnServer;
let test: TestNamespace;
let client: Client;
beforeAll(async () => {
  temporal = await startOwnTemporal();
  test = await createTestNamespace(temporal.address);
  client = test.client;
});
afterAll(async () => {
  await test?.close();
  await temporal?.stop();
});

async function scan(): Promise<SourceReport> {
  return scanOne(createTemporalSource(client, test.namespace), EMAIL);
}
async function scanDatabase(): Promise<SourceReport> {
  return scanOne(createFilesSource([temporal.folder]), EMAIL);
}
const start = (workflowId: string, more: Partial<Parameters<Client['workflow']['start']>[1]> = {}) =>
  client.workflow.start('nobodyWorks', { workflowId, taskQueue: 'nowhere', ...more } as never);
const visible = (count: number) =>
  until('all are visible', async () => {
    let seen = 0;
    for await (const _ of client.workflow.list()) seen += 1;
    return seen === count;
  });

it('shows the person wherever a workflow can carry them, by the API and in the raw file', async () => {
  const others = NEAR_MISSES.map(([, text]) => text);
  await start('clean', { args: [others], memo: { others } });
  await visible(1);
  expect(await scan()).toMatchObject({ source: 'temporal', items: 1, findings: 0, places: [] });
  // Before anybody was there; the file is a real one, with its log beside it.
  const file = await scanDatabase();
  expect(file.findings).toBe(0);
  expect(file.bytes).toBeGreaterThan(100_000);

  const closed = await start('input', { args: [{ to: EMAIL }] });
  await start('memo', { memo: { to: EMAIL } });
  await start('summary', { staticSummary: `for ${EMAIL}` });
  const typedSearchAttributes = new TypedSearchAttributes([{ key: DraftStatusAttribute, value: EMAIL }]);
  // A new namespace's attributes are known a moment later.
  await until('it may have an attribute', () => start('attribute', { typedSearchAttributes }).catch(() => null));
  const signalled = await start('signal');
  await signalled.signal('changed', Buffer.from(EMAIL).toString('base64'));
  const named = await start(`draft-${EMAIL}`);
  await closed.terminate('done');
  await (await start('reason')).terminate(`asked for by ${EMAIL}`);
  await visible(8);

  const report = await scan();
  expect(report.items).toBe(8);
  expect(report.places.filter((place) => !place.startsWith('item')).sort()).toEqual(
    ['attribute', 'input', 'memo', 'reason', 'signal', 'summary'].sort(),
  );
  expect(report.places).toContainEqual(expect.stringMatching(/^item \d+, in its name$/));
  expect(JSON.stringify(report)).not.toContain(EMAIL);
  expect(named.workflowId).toContain(EMAIL);
  const raw = await scanDatabase();
  expect(raw.findings).toBeGreaterThan(0);
  expect(raw.places).toContainEqual(expect.stringContaining(join(temporal.folder, 'temporal.db')));
});

it('is read past one page, and by more than one run at a time', async () => {
  const { namespace, client: other, close } = await createTestNamespace(temporal.address);
  for (let n = 0; n < 210; n++) {
    await other.workflow.start('nobodyWorks', {
      workflowId: `many-${n}`,
      taskQueue: 'nowhere',
      args: n % 100 === 7 ? [EMAIL] : [],
    });
  }
  await until('all are visible', async () => (await other.workflow.count()).count === 210);
  const report = await scanOne(createTemporalSource(other, namespace), EMAIL);
  expect(report).toMatchObject({ items: 210, findings: 3 });
  expect(report.places.sort()).toEqual(['many-107', 'many-207', 'many-7']);
  await close();
});

it('that is away fails the scan', async () => {
  const connection = Connection.lazy({ address: '127.0.0.1:9', interceptors: [] });
  const source = createTemporalSource(connection as unknown as Client, 'default');
  await expect(scanOne(source, EMAIL)).rejects.toThrow();
  await connection.close();
});
