// The dashboards: what is checked in is what their code makes, and a real Prometheus that watches a running service has data for
// every query of every panel and every alert.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARDS, render } from '../../ops/dashboards';
import { alertsOf, readRuleFiles } from '../../ops/prometheus/alerts-page';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { openTemporalClient } from '../../ops/runtime/temporal';
import { AUDIT_RETENTION_SCHEDULE } from '../../workflows/contracts/audit-retention';
import { OwnInstallation } from '../local/own-installation';
import { TestPrometheus } from '../support/prometheus';
import { until } from '../support/until';

it.each(Object.entries(DASHBOARDS))('%s.json is what its code makes (npm run dashboards)', (name, dashboard) => {
  expect(readFileSync(join(PACKAGE_ROOT, 'ops', 'dashboards', `${name}.json`), 'utf8')).toBe(render(dashboard));
});

interface Panel {
  type: string;
  title: string;
  description: string;
  targets: { expr: string; legendFormat?: string }[];
}
/** Every query of every panel: where it is, and what it asks. */
const panels = Object.entries(DASHBOARDS).flatMap(([name, { panels = [] }]) =>
  (panels as unknown as Panel[])
    .filter(({ type }) => type !== 'row')
    .map((panel) => ({ ...panel, place: `${name}: ${panel.title}` })),
);
const queries = panels.flatMap(({ place, targets }) =>
  targets.map(({ expr, legendFormat = '' }) => ({ place: `${place} (${legendFormat})`, expr })),
);

it('every panel has a query, and says what it shows', () => {
  expect(panels.length).toBeGreaterThan(60);
  expect(panels.filter(({ description, targets }) => !description || targets.length === 0)).toEqual([]);
});

describe('with a running service and Prometheus', () => {
  let here: OwnInstallation;
  let prometheus: TestPrometheus;
  const runtime = () =>
    here.read('runtime.json') as unknown as Record<string, string> & { pids: Record<string, number> };

  beforeAll(async () => {
    here = await OwnInstallation.start();
    prometheus = await TestPrometheus.start({
      'countersign-api': new URL(runtime().metrics ?? '').host,
      'countersign-worker': `127.0.0.1:${here.env.WORKER_METRICS_PORT}`,
    });
    await load();
  });
  afterAll(async () => {
    await prometheus?.stop();
    await here?.stop();
  });

  const send = (method: string, path: string, body?: object) =>
    fetch(`${runtime().api}${path}`, {
      method,
      headers: {
        'X-Admin-Token': here.read('settings.json').ADMIN_PASSWORD ?? '',
        'Content-Type': 'application/json',
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  const submit = (changes: object = {}) =>
    fetch(`${runtime().api}/api/drafts`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${here.read('keys.json').author}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ to: 'ada@customer.example', subject: 'Hello', body: 'Hello', ...changes }),
    });
  const hasSome = (query: string) => until(query, async () => (await prometheus.query(query)).length > 0);

  /** The demo, and what makes each kind of trouble show. */
  async function load(): Promise<void> {
    here.demo();
    await submit();
    here.run('ops/backup.sh');
    here.run('ops/restore.sh --drill');
    expect((await send('POST', '/api/gdpr/erasures', { email: 'bob@customer.example' })).status).toBe(202);
    const client = openTemporalClient({ address: runtime().temporal?.replace('grpc://', '') ?? '' });
    await client.schedule.getHandle(AUDIT_RETENTION_SCHEDULE).trigger();
    await client.connection.close();
    await hasSome('countersign_audit_trail');
    // The mail server is away: each start of it takes longer than the one before.
    const policy = { mode: 'active', rules: [], otherwise: { outcome: 'auto_approve' } };
    expect((await send('PUT', '/api/policy', policy)).status).toBe(200);
    await until('the lane fails', async () => {
      const { mailbox } = runtime().pids;
      if (mailbox) process.kill(mailbox, 'SIGKILL');
      await submit();
      return (await prometheus.query('temporal_activity_execution_failed{activity_type="deliverMail"}')).length > 0;
    });
    // Temporal is frozen: an operator is answered 503.
    const { temporal } = runtime().pids;
    process.kill(temporal as number, 'SIGSTOP');
    expect((await send('POST', '/api/circuit-breakers/reset/email', {})).status).toBe(503);
    process.kill(temporal as number, 'SIGCONT');
    await hasSome('countersign_http_request_duration_seconds_count{status="503", route!="/ready"}');
    here.demo();
  }

  it('prints', async () => {
    for (const { place, expr } of queries) {
      const asked = expr.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', '.*');
      const found = await prometheus.query(asked).catch((error: Error) => error.message);
      if (!Array.isArray(found) || found.length === 0)
        console.log('EMPTY', place, '|', asked, '|', JSON.stringify(found));
    }
    for (const { expr } of readRuleFiles().flatMap(alertsOf)) {
      for (const [selector] of expr.matchAll(/(?<![\w:"])(?:up|(?:countersign|temporal)[\w:]+)\b(?:\{[^}]*\})?/g)) {
        const found = await prometheus.query(selector).catch((error: Error) => error.message);
        if (!Array.isArray(found) || found.length === 0) console.log('EMPTY SELECTOR', selector, JSON.stringify(found));
      }
    }
    console.log(JSON.stringify((await prometheus.rules()).filter(({ health }) => health !== 'ok')));
  });
});
