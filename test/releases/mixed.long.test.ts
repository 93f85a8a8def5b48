// Two builds, API and workers of each, serve side by side for five minutes of load, while runs move from one to the other and
// back: no request fails, and every mail leaves once.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCurrent } from '../../activities/releases/versions';
import { readRunning, writeWanted } from '../../ops/releases/process/records';
import { readRelease } from '../../ops/releases/release';
import { until } from '../support/until';
import { makeNextRelease } from './next-release';
import { ReleaseInstallation } from './release-installation';

jest.setTimeout(1_200_000);

const LOAD_MS = 5 * 60_000;
const MOVES_EACH_MS = 45_000;
const PAUSE_MS = 100;
const NEXT = '99.0.0';

let installation: ReleaseInstallation;
let folder: string;
beforeAll(async () => {
  installation = await ReleaseInstallation.start();
  folder = join(installation.folder, '.countersign', 'releases');
  const sources = await makeNextRelease(installation.folder, `${installation.folder}-next`, {
    version: NEXT,
    column: 'colour',
    changes: { 'workflows/draft-approval-details.ts': [['// ', '// Of the next release. ']] },
  });
  await installation.done('deploy', NEXT, '--from', sources);
});
afterAll(() => installation?.stop());

it('takes every request and sends every mail once', async () => {
  const first = readRelease(installation.folder);
  const next = readRelease(join(folder, NEXT));
  expect(first.buildId).not.toBe(next.buildId);
  writeWanted(folder, {
    api: NEXT,
    trial: first.version,
    workers: [first, next].map(({ version, buildId }) => ({ version, buildId })),
  });
  const both = await until('both run', async () => {
    const { api = [], trial = [], workers = [] } = readRunning(folder) ?? {};
    const urls = [...api, ...trial].map(({ url }) => url);
    const all = [...urls, ...workers.map(({ url }) => url)];
    const ready = await Promise.all(
      all.map((url) =>
        fetch(`${url}/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    );
    return all.length === 4 && ready.every(Boolean) && urls;
  });

  const temporal = await installation.openTemporal();
  const keys = installation.own.read('keys.json');
  const failures: string[] = [];
  const call = async (path: string, role: 'author' | 'approver', body?: unknown) => {
    const url = both[Math.floor(Math.random() * both.length)] as string;
    const answer = await fetch(url + path, {
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
      headers: { authorization: `Bearer ${keys[role]}`, 'content-type': 'application/json' },
    }).catch((error: Error) => error);
    if (answer instanceof Error || !answer.ok)
      failures.push(`${path}: ${answer instanceof Error ? answer.message : answer.status}`);
    return answer instanceof Error ? null : ((await answer.json()) as { id: string; revision: number });
  };

  const ids: string[] = [];
  const begun = Date.now();
  let moves = 0;
  while (Date.now() < begun + LOAD_MS) {
    const to = `reader-${ids.length}@customer.example`;
    const draft = await call('/api/drafts', 'author', {
      to,
      subject: 'The minutes',
      body: 'Here they are.',
      confidence: 0.1,
    });
    if (draft) {
      ids.push(draft.id);
      await call(`/api/drafts/${draft.id}/approve`, 'approver', { revision: draft.revision });
    }
    if (Date.now() > begun + (moves + 1) * MOVES_EACH_MS) {
      moves += 1;
      const to = moves % 2 === 1 ? first : next;
      await until('every run goes to the other build', () =>
        makeCurrent(temporal, 'countersign', to).then(
          () => true,
          () => null,
        ),
      );
    }
    await delay(PAUSE_MS);
  }
  await temporal.connection.close();
  expect(failures).toEqual([]);
  expect(ids.length).toBeGreaterThan(500);
  await until(
    'all are sent',
    async () => (await installation.query(`SELECT count(*)::int AS n FROM drafts WHERE status <> 'sent'`))[0].n === 0,
    300_000,
  );
  const counts = Object.values(installation.mails());
  expect([counts.length, Math.max(...counts)]).toEqual([ids.length, 1]);
  expect(installation.logs()).not.toMatch(/NonDeterminism|Nondeterminism/);
  console.log(`${ids.length} drafts, ${moves} moves between the builds`);
});
