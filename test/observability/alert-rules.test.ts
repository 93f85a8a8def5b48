// The alert rules: each fires for its fault and only then, none is green because a metric vanished, and its page is current.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Alert, alertsOf, RULES_FOLDER, readRuleFiles, renderAlertsPage } from '../../ops/prometheus/alerts-page';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';

const TESTS_FOLDER = join(RULES_FOLDER, '..', 'tests');
const files = readRuleFiles();
const alerts: Alert[] = files.flatMap(alertsOf);
const testFiles = readdirSync(TESTS_FOLDER);

function run(program: string, ...given: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, given, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${program} ${given.join(' ')} ended with ${status}:\n${error ?? ''}${stdout}${stderr}`);
  return stdout;
}

it('Prometheus accepts all rule files', () => {
  for (const { file, rules } of files) {
    expect(run('promtool', 'check', 'rules', '--lint=all', '--lint-fatal', join(RULES_FOLDER, file))).toContain(
      `SUCCESS: ${rules.length} rules found`,
    );
  }
});

it.each(testFiles)('the cases of %s hold', (file) => {
  expect(run('promtool', 'test', 'rules', join(TESTS_FOLDER, file))).toContain('SUCCESS');
});

interface Check {
  expr: string;
  exp_samples?: { labels: string }[];
}

it('each alert has a case in which it fires, and one in which it does not', () => {
  const checks = testFiles.flatMap((file) => {
    const { tests } = parse(readFileSync(join(TESTS_FOLDER, file), 'utf8'), { merge: true });
    return (tests as { promql_expr_test: Check[] }[]).flatMap((one) => one.promql_expr_test);
  });
  const named = (alert: string, text: string) => text.includes(`alertname="${alert}"`);
  const without = alerts
    .map(({ alert }) => alert)
    .filter((alert) => {
      const fires = checks.some(({ exp_samples }) => exp_samples?.some(({ labels }) => named(alert, labels)));
      const isQuiet = checks.some(({ expr, exp_samples }) => named(alert, expr) && !exp_samples);
      return !(fires && isQuiet);
    });
  expect(without).toEqual([]);
});

/** What these use is there only after something has happened, so its absence says nothing. */
const MAY_BE_ABSENT: Record<string, string> = {
  countersign_http_request_duration_seconds_bucket: 'watched by its count',
  countersign_db_query_duration_seconds_bucket: 'watched by its count',
  countersign_erasure_deadline_seconds: 'NaN if no erasure is open; countersign_erasures says whether it could be read',
  countersign_audit_trail:
    'absent until the first verification of a process; CountersignChainUnverified asks for one in 30 hours',
  countersign_last_proven_restore_timestamp_seconds: 'CountersignDrillNotProven fires for its absence',
  countersign_archiving_stalled: 'CountersignArchivingUnseen fires for its absence',
  up: 'CountersignApiGone and CountersignWorkerGone fire for its absence',
  temporal_activity_execution_failed: 'no activity has failed',
  temporal_local_activity_execution_failed: 'no local activity has failed',
  temporal_workflow_task_execution_failed: 'no workflow task has failed',
  temporal_activity_execution_latency_count: 'no activity has ended; temporal_num_pollers watches the source',
  temporal_activity_execution_latency_sum: 'the same',
  temporal_local_activity_execution_latency_count: 'the same',
  temporal_local_activity_execution_latency_sum: 'the same',
  temporal_workflow_task_execution_latency_count: 'the same',
  temporal_workflow_task_schedule_to_start_latency_bucket: 'the same',
  temporal_activity_schedule_to_start_latency_bucket: 'the same',
};
const metricsIn = (expr: string): string[] =>
  expr.replace(/"[^"]*"/g, '').match(/(?<![\w:])(?:up|(?:countersign|temporal)_\w+)\b(?!:)/g) ?? [];

it('an alert fires for the absence of every metric that a rule uses', () => {
  const missing = alerts.find(({ alert }) => alert === 'CountersignMetricMissing');
  const watched = metricsIn(missing?.expr ?? '');
  const used = new Set(files.flatMap(({ rules }) => rules.flatMap(({ expr }) => metricsIn(expr))));
  const unwatched = [...used].filter((name) => !watched.includes(name));
  expect(unwatched.sort()).toEqual(Object.keys(MAY_BE_ABSENT).sort());
});

it('the share of failed tasks leaves out the queue of every lane', () => {
  const { processes: _, ops: __, releases: ___, ...lanes } = TASK_QUEUES;
  const ratio = files.flatMap(({ rules }) => rules).find(({ record }) => record?.includes('task_failures'));
  expect(ratio?.expr.split(`{task_queue!~"${Object.values(lanes).join('|')}"`)).toHaveLength(3);
});

it('every recorded series is used by an alert or a dashboard', () => {
  const folder = join(PACKAGE_ROOT, 'ops', 'dashboards');
  const dashboards = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const uses = [...alerts.map(({ expr }) => expr), ...dashboards].join('\n');
  const recorded = files.flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? []));
  expect(recorded.length).toBeGreaterThan(10);
  expect(recorded.filter((name) => !uses.includes(name))).toEqual([]);
});

it('each alert says how bad it is, what it means and what to do, step by step', () => {
  const faults = alerts.filter(({ labels, annotations }) => {
    const { summary = '', meaning = '', steps = '' } = annotations;
    const numbers = steps
      .trim()
      .split('\n')
      .map((line) => Number(/^(\d)\. \S/.exec(line)?.[1]));
    const isNumbered = numbers.every((number, i) => number === i + 1);
    return !(/^(page|critical|warning)$/.test(labels.severity) && summary && meaning && isNumbered);
  });
  expect(faults.map(({ alert }) => alert)).toEqual([]);
});

const page = renderAlertsPage(files);

it('docs/alerts.md is what the rules say (npm run alerts)', () => {
  expect(readFileSync(join(PACKAGE_ROOT, 'docs', 'alerts.md'), 'utf8')).toBe(page);
});

it('every link of docs/alerts.md leads to a page and a heading that are there', () => {
  const toAnchor = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  const broken = [...page.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)].filter(([, file = '', anchor]) => {
    const path = join(PACKAGE_ROOT, 'docs', file || 'alerts.md');
    if (!existsSync(path)) return true;
    const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      toAnchor(heading),
    );
    return anchor !== undefined && !headings.includes(anchor);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

it('the example of Alertmanager wakes somebody for a page, and tells Slack all of them', () => {
  const config = join(RULES_FOLDER, '..', 'alertmanager.yml');
  expect(run('amtool', 'check-config', config)).toContain('SUCCESS');
  const receivers = (severity: string) =>
    run('amtool', 'config', 'routes', 'test', `--config.file=${config}`, `severity=${severity}`).trim();
  expect(['page', 'critical', 'warning'].map(receivers)).toEqual([
    'pager,slack-critical',
    'slack-critical',
    'slack-warnings',
  ]);
});
