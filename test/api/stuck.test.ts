import { Registry } from 'prom-client';
import { readLastCompleted, readOverBudget } from '../../activities/process-runs';
import { stuckPage } from '../../api/pages/stuck-page';
import { openTemporalClient } from '../../ops/runtime/temporal';
import { observeRuns } from '../../worker/run-metrics';
import * as workflows from '../../workflows';
import { DURATION_BUDGETS } from '../../workflows/contracts/duration-budgets';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { NOBODY, TestApi } from './test-api';

/** Of `CommandType`: the workflow is done. */
const COMPLETES = 4;

let api: TestApi;
let temporal: TestNamespace;
beforeAll(async () => {
  temporal = await createTestNamespace();
  api = await TestApi.create({ temporal });
});
afterAll(async () => {
  await api?.close();
  await temporal?.close();
});

const look = async () => (await api.admin.get('/api/ops/stuck')).body;

describe('work that never ends', () => {
  it('is listed once it has taken longer than its budget, though nothing fails', async () => {
    await temporal.client.workflow.start('backup', { workflowId: 'backup-endless', taskQueue: TASK_QUEUES.ops });
    await temporal.client.workflow.start('draftApproval', { workflowId: 'draft-1', taskQueue: TASK_QUEUES.ops });
    const found = await until('Temporal lists it', async () => {
      const items = await readOverBudget(temporal.client, 10, { backup: 0, restore: 0 });
      return items.length > 0 ? items : null;
    });
    expect(found).toEqual([{ process: 'backup', workflowId: 'backup-endless', since: expect.any(Date) }]);
    expect(await readOverBudget(temporal.client, 10)).toEqual([]);
  });

  it('shows in the metrics, and never as zero where nobody can be asked', async () => {
    const registry = new Registry();
    observeRuns(registry, temporal.client);
    const text = await until('Temporal answers in time', async () => {
      const metrics = await registry.metrics();
      return metrics.includes('over_budget{workflow="backup"} 0') && metrics;
    });
    expect(text).toContain('countersign_process_last_completed_timestamp_seconds{workflow="backup"} Nan');
    const nobody = openTemporalClient({ address: NOBODY });
    const blind = new Registry();
    observeRuns(blind, nobody);
    const unknown = await blind.metrics();
    for (const process of Object.keys(DURATION_BUDGETS))
      expect(unknown).toContain(`countersign_runs_over_budget{workflow="${process}"} Nan`);
    await nobody.connection.close();
  });

  it('has another gauge beside it: when a scheduled process last ended well', async () => {
    const { workflowService } = temporal.client;
    const { namespace } = temporal;
    const taskQueue = 'ends-at-once';
    await temporal.client.workflow.start('draftRetention', { workflowId: 'draft-retention-1', taskQueue });
    const { taskToken } = await temporal.client.withDeadline(Date.now() + 30_000, () =>
      workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
    );
    const commands = [{ commandType: COMPLETES, completeWorkflowExecutionCommandAttributes: {} }];
    await workflowService.respondWorkflowTaskCompleted({ namespace, taskToken, commands });
    const last = await until(
      'Temporal lists it',
      async () => (await readLastCompleted(temporal.client)).get('draftRetention') || null,
    );
    expect(Math.abs(last - Date.now() / 1000)).toBeLessThan(60);
  });

  it('has a budget for every process but those that wait for people or for each other', () => {
    const without = ['draftApproval', 'userErasure', 'operations'];
    expect(
      Object.keys(workflows)
        .filter((name) => !(name in DURATION_BUDGETS))
        .sort(),
    ).toEqual(without.sort());
  });

  it('is listed where rows say so: an approved draft that nobody releases, an erasure near its deadline', async () => {
    const { pool } = api.database;
    const draft = '01a20d18-0000-7000-8000-000000000001';
    const erasure = '01a20d18-0000-7000-8000-000000000002';
    const admin = '00000000-0000-7000-8000-000000000001';
    await pool.query(
      `INSERT INTO drafts (id, status, author_id, decision, created_at, updated_at, needs_people)
       VALUES ($1, 'approved', $2, '{}', now(), now() - interval '6 minutes', true)`,
      [draft, admin],
    );
    await pool.query(
      `INSERT INTO erasures (id, status, version, subject_hashes, active_hash, requested_by, requested_at, grace_until, begun_at, deadline_at)
       VALUES ($1, 'erasing', 1, '{}', '\\x01', $2, now(), now(), now(), now() + interval '6 days')`,
      [erasure, admin],
    );
    const { items } = await until('both are listed', async () => {
      const answer = await look();
      return answer.items.length === 2 ? answer : null;
    });
    expect(items).toMatchObject([
      { process: 'draftApproval', id: `draft-${draft}`, code: 'not_released', link: null },
      { process: 'userErasure', id: `erasure-${erasure}`, code: 'deadline_near', deadline: expect.any(String) },
    ]);
  });
});

describe('a message that Temporal does not take', () => {
  it('is listed with its process', async () => {
    const id = '01a20d18-0000-7000-8000-000000000003';
    const insert = `INSERT INTO outbox (process, entity_id, generation, version, message, next_try, attempts)
      VALUES ('personExport', $1, 1, 1, '{}', now() + interval '1 minute', $2)`;
    await api.database.pool.query(insert, [id, 3]);
    const [item] = await until('it is listed', async () => {
      const { items } = await look();
      const found = items.filter(({ code }: { code: string }) => code === 'not_told');
      return found.length > 0 && found;
    });
    expect(item).toMatchObject({ process: 'personExport', id: `export-${id}`, service: 'temporal', attempts: 3 });
  });
});

describe('the page', () => {
  const NOW = new Date('2026-01-01T10:00:00.000Z');
  const item = {
    process: 'userErasure',
    id: 'erasure-1<script>',
    service: 'hubspot',
    since: '2026-01-01T09:00:00.000Z',
    attempts: 7,
    code: 'hubspot_away',
    reason: 'HubSpot does not answer.',
    nextAttemptAt: null,
    deadline: '2025-12-31T09:00:00.000Z',
    link: 'https://temporal.example.com/"><script>',
  };
  const nothing = {
    items: [],
    more: false,
    complete: true,
    sources: { postgresql: 'ready', temporal: 'ready' },
    breakers: null,
  };

  it('shows nothing as markup that comes from elsewhere, and needs no script', () => {
    const page = stuckPage({ ...nothing, items: [item] }, NOW);
    expect(page).not.toContain('<script');
    expect(page).toContain('name="viewport"');
    expect(page).toContain('2025-12-31 09:00:00 UTC</time>, missed');
  });

  it('never says that nothing is stuck where somebody could not be asked', () => {
    expect(stuckPage(nothing, NOW)).toContain('Nothing is stuck');
    const sources = { postgresql: 'ready', temporal: 'could not be asked' };
    const blind = stuckPage({ ...nothing, complete: false, sources }, NOW);
    expect(blind).not.toContain('Nothing is stuck');
    expect(blind).toContain('Temporal could not be asked');
  });

  it('is for admins and operators, under a policy that lets nothing in but its style', async () => {
    const ops = await api.person('on call', 'ops');
    const { status, headers } = await ops.get('/ops/stuck');
    expect([status, headers['content-security-policy']]).toEqual([
      200,
      expect.stringMatching(/^default-src 'none';style-src 'sha256-/),
    ]);
    const author = await api.person('an author', 'author');
    expect((await author.get('/ops/stuck')).status).toBe(403);
  });
});
