// A real Prometheus watches a running service under the demo's load: no query of a panel or an alert fails, and none is empty.
import { readFileSync } from 'node:fs';
import { alertsOf, readRuleFiles } from '../../ops/prometheus/alerts-page';
import { openTemporalClient } from '../../ops/runtime/temporal';
import { AUDIT_RETENTION_SCHEDULE } from '../../workflows/contracts/audit-retention';
import { OwnInstallation } from '../local/own-installation';
import { TestPrometheus } from '../support/prometheus';
import { until } from '../support/until';
import { PANELS } from './panels';

/** What this load does not bring about. A query may be empty only for one of these or of those below, and these must be absent. */
const NOT_IN_THIS_LOAD: Record<string, string> = {
  temporal_workflow_failed: 'only a backup, a restore or a drill that fails does',
  temporal_workflow_task_execution_failed: 'only a build that can not replay an open run does',
  temporal_local_activity_execution_failed: 'only while the database is away',
  temporal_sticky_cache_miss: 'only where a run was evicted or its worker has gone',
};
/** What it brings about or not, by chance; that the SDK has a metric of this name is looked up in its source. */
const BY_CHANCE: Record<string, string> = {
  temporal_workflow_continue_as_new: 'the lane does after up to ten minutes, or after many claims',
  temporal_sticky_cache_total_forced_eviction: 'a run that ends elsewhere, or a full cache',
};
const EXCUSED = { ...NOT_IN_THIS_LOAD, ...BY_CHANCE };
/** A poll that brings nothing ends after a minute. */
const POLLS_END_WITHIN_MS = 120_000;

let here: OwnInstallation;
let prometheus: TestPrometheus;
type Runtime = Record<'api' | 'metrics' | 'temporal', string> & { pids: Record<string, number> };
const runtime = () => here.read('runtime.json') as unknown as Runtime;

// Within, so that it ends before its folder goes (test/local/folder.ts).
describe('on an installation', () => {
  beforeAll(async () => {
    here = await OwnInstallation.start();
    prometheus = await TestPrometheus.start({
      'countersign-api': new URL(runtime().metrics).host,
      'countersign-worker': `127.0.0.1:${here.env.WORKER_METRICS_PORT}`,
    });
    here.demo();
    await leaveTraces();
    await bringTrouble();
    here.demo();
  });
  afterAll(async () => {
    await prometheus?.stop();
    await here?.stop();
  });

  const call = (method: string, path: string, credential: Record<string, string>, body: object) =>
    fetch(runtime().api + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...credential },
      body: JSON.stringify(body),
    });
  const asAdmin = (method: string, path: string, body: object) =>
    call(method, path, { 'X-Admin-Token': here.read('settings.json').ADMIN_PASSWORD ?? '' }, body);
  const submit = () =>
    call(
      'POST',
      '/api/drafts',
      { Authorization: `Bearer ${here.read('keys.json').author}` },
      { to: 'ada@customer.example', subject: 'Hello', body: 'Hello' },
    );
  const untilThere = (query: string) =>
    until(query, async () => (await prometheus.query(query)).length > 0, POLLS_END_WITHIN_MS);

  /** A draft that waits, a backup, a drill, an erasure, and a verification of the audit trail. */
  async function leaveTraces(): Promise<void> {
    await submit();
    here.run('ops/backup.sh');
    here.run('ops/restore.sh --drill');
    expect((await asAdmin('POST', '/api/gdpr/erasures', { email: 'bob@customer.example' })).status).toBe(202);
    const temporal = openTemporalClient({ address: runtime().temporal.replace('grpc://', '') });
    await temporal.schedule.getHandle(AUDIT_RETENTION_SCHEDULE).trigger();
    await temporal.connection.close();
  }

  async function bringTrouble(): Promise<void> {
    const policy = { mode: 'active', rules: [], otherwise: { outcome: 'auto_approve' } };
    expect((await asAdmin('PUT', '/api/policy', policy)).status).toBe(200);
    await until('the mail server is away and the lane fails', async () => {
      const { mailbox } = runtime().pids;
      if (mailbox) process.kill(mailbox, 'SIGKILL');
      await submit();
      return (await prometheus.query('temporal_activity_execution_failed{activity_type="deliverMail"}')).length > 0;
    });
    const { temporal = 0 } = runtime().pids;
    process.kill(temporal, 'SIGSTOP');
    expect((await asAdmin('POST', '/api/circuit-breakers/reset/email', {})).status).toBe(503);
    process.kill(temporal, 'SIGCONT');
  }

  const isExcused = (query: string) => Object.keys(EXCUSED).some((metric) => query.includes(metric));

  it('every query of every panel has data', async () => {
    for (const query of [
      'rate(countersign_http_request_duration_seconds_count{status="503", route!="/ready"}[5m])',
      'rate(temporal_activity_execution_failed[5m])',
      'countersign_audit_trail',
      'countersign_backup_last_success_timestamp_seconds',
      'countersign_last_proven_restore_timestamp_seconds',
      'rate(temporal_activity_poll_no_task[5m])',
      'rate(temporal_workflow_task_queue_poll_empty[5m])',
    ])
      await untilThere(query);
    const empty: string[] = [];
    for (const { place, targets } of PANELS) {
      for (const { expr } of targets) {
        const query = expr.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', '.*');
        if ((await prometheus.query(query)).length === 0 && !isExcused(query)) empty.push(`${place}: ${query}`);
      }
    }
    expect(empty).toEqual([]);
  });

  it('every rule is evaluated without an error, and every recorded series is there', async () => {
    const files = readRuleFiles();
    const rules = await prometheus.rules();
    expect(rules).toHaveLength(files.flatMap((file) => file.rules).length);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    for (const { record } of files.flatMap((file) => file.rules)) if (record) await untilThere(record);
  });

  /** An alert that does not fire is empty, so what it looks at must be there. */
  const selectorsOf = (expr: string) =>
    [...expr.matchAll(/(?<![\w:"])(?:up|(?:countersign|temporal)[\w:]+)\b(?:\{[^}]*\})?/g)].map(
      ([selector]) => selector,
    );

  it('every series that an alert looks at is there', async () => {
    const alerts = readRuleFiles().flatMap(alertsOf);
    const selectors = [...new Set(alerts.flatMap(({ expr }) => selectorsOf(expr)))];
    expect(selectors.length).toBeGreaterThan(40);
    const missing: string[] = [];
    for (const selector of selectors) if ((await prometheus.query(selector)).length === 0) missing.push(selector);
    expect(missing.filter((selector) => !isExcused(selector))).toEqual([]);
  });

  it.each(Object.entries(NOT_IN_THIS_LOAD))('%s is excused, and is not there: %s', async (metric) => {
    expect(await prometheus.query(metric)).toEqual([]);
  });

  it.each(Object.entries(EXCUSED))("%s is a name of the SDK's, which may be absent: %s", (metric) => {
    const source = readFileSync(
      require.resolve('@temporalio/core-bridge/sdk-core/crates/sdk-core/src/telemetry/metrics.rs'),
      'utf8',
    );
    expect(source).toContain(`"${metric.replace('temporal_', '')}"`);
  });

  it('the drill and the demo raise no page', async () => {
    const pages = await prometheus.query('ALERTS{alertstate="firing", severity="page"}');
    expect(pages.map(({ metric }) => metric.alertname)).toEqual([]);
  });
});
