// Temporal's queues and tasks as the workers see them. The lower rows have the queries and the order of Temporal's published
// dashboard for the SDK (github.com/temporalio/dashboards, sdk/temporal-core-sdks-otel.json).
import { QueryVariableBuilder, VariableRefresh } from '@grafana/grafana-foundation-sdk/dashboard';
import { createDashboard, type Graph } from './panels';

const IN = 'namespace=~"$namespace"';
const rate = (metric: string, by: string, more = '') =>
  `sum by (${by}) (rate(temporal_${metric}{${IN}${more}}[$__rate_interval]))`;
const p95 = (metric: string, by: string) =>
  `histogram_quantile(0.95, sum by (${by}, le) (rate(temporal_${metric}_bucket{${IN}}[$__rate_interval])))`;

const throughput = (title: string, about: string, metric: string, by: string): Graph => ({
  title,
  about,
  unit: 'ops',
  queries: { [`{{${by}}}`]: rate(metric, by) },
});
const latency = (title: string, about: string, metric: string, by: string): Graph => ({
  title: `${title} (p95)`,
  about,
  unit: 'ms',
  queries: { [`{{${by}}}`]: p95(metric, by) },
});

export const temporal = createDashboard({
  uid: 'countersign-temporal',
  title: 'Temporal',
  description: 'What waits for Temporal, how its tasks fare, and whether the workers keep up.',
  addVariables: (dashboard) =>
    dashboard.withVariable(
      new QueryVariableBuilder('namespace')
        .label('Namespace')
        .datasource({ type: 'prometheus', uid: '$datasource' })
        .query('label_values(temporal_num_pollers, namespace)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
        .allValue('.*'),
    ),
  rows: [
    {
      title: 'Now',
      stats: [
        {
          title: 'Messages waiting',
          about: 'What was decided and Temporal has not heard of.',
          unit: 'short',
          limit: 100,
          query: 'max(countersign_outbox_messages)',
        },
        {
          title: 'Oldest message',
          about: 'For how long it has waited.',
          unit: 's',
          limit: 300,
          query: 'max(countersign_outbox_oldest_seconds)',
        },
        {
          title: 'Tasks failed',
          about: 'The share of the last ten minutes. A mail server that is away and a taken lock do not count.',
          unit: 'percentunit',
          limit: 0.02,
          query: 'countersign:temporal_task_failures:ratio_rate10m',
        },
        {
          title: 'Task time',
          about: 'How long a step of a process takes on average. Lanes and backups do not count.',
          unit: 's',
          limit: 30,
          query: 'countersign:temporal_task_duration_seconds:mean_rate10m',
        },
        {
          title: 'Schedule to start (p95)',
          about: 'How long tasks wait for a worker.',
          unit: 's',
          limit: 5,
          query: 'max(countersign:temporal_schedule_to_start_seconds:p95_rate5m)',
        },
        {
          title: 'Pollers',
          about: 'Of all workers. 0: nobody takes tasks.',
          unit: 'short',
          limit: { min: 1 },
          query: `sum(temporal_num_pollers{${IN}})`,
        },
      ],
    },
    {
      title: 'Outbox and waiting',
      graphs: [
        {
          title: 'Messages waiting',
          about: 'What was decided and Temporal has not heard of. 10,000 stands for that many or more.',
          unit: 'short',
          limit: 100,
          queries: { messages: 'max(countersign_outbox_messages)' },
        },
        {
          title: 'Oldest message',
          about: 'For how long it has waited.',
          unit: 's',
          limit: 300,
          queries: { oldest: 'max(countersign_outbox_oldest_seconds)' },
        },
        {
          title: 'Schedule to start by queue (p95)',
          about: 'How long tasks wait for a worker.',
          unit: 's',
          limit: 5,
          queries: { '{{kind}} {{task_queue}}': 'countersign:temporal_schedule_to_start_seconds:p95_rate5m' },
        },
        {
          title: 'Failed tasks and task time',
          about: 'The share of tasks that fail, and how long a step takes on average in seconds.',
          unit: 'short',
          queries: {
            'failed (share)': 'countersign:temporal_task_failures:ratio_rate10m',
            'task time (s)': 'countersign:temporal_task_duration_seconds:mean_rate10m',
          },
        },
      ],
    },
    {
      title: 'Requests to Temporal',
      graphs: [
        {
          title: 'Requests and failures',
          about: 'Requests of the workers to the server, a second.',
          unit: 'ops',
          queries: { requests: rate('request', 'namespace'), failures: rate('request_failure', 'namespace') },
        },
        {
          title: 'Failures by operation',
          about: 'NOT_FOUND and ALREADY_EXISTS are answers that are reckoned with.',
          unit: 'ops',
          queries: { '{{operation}} {{status_code}}': rate('request_failure', 'operation, status_code') },
        },
        throughput('Requests by operation', 'Requests a second.', 'request', 'operation'),
        latency('Latency by operation', 'How long the server takes.', 'request_latency', 'operation'),
        throughput('Long polls by operation', 'Polls for tasks, a second.', 'long_request', 'operation'),
        latency('Latency of long polls', 'A minute where nothing comes.', 'long_request_latency', 'operation'),
      ],
    },
    {
      title: 'Workflows',
      graphs: [
        throughput('Completed', 'Workflows that ended, a second.', 'workflow_completed', 'workflow_type'),
        latency(
          'End to end',
          'From the start of a run to its end: an approval lasts as long as people take.',
          'workflow_endtoend_latency',
          'workflow_type',
        ),
        throughput('Failed', 'Workflows that failed, a second.', 'workflow_failed', 'workflow_type'),
        throughput(
          'Continued as new',
          'The lanes, at least every ten minutes.',
          'workflow_continue_as_new',
          'workflow_type',
        ),
      ],
    },
    {
      title: 'Workflow tasks',
      graphs: [
        throughput('Taken', 'Workflow tasks a second.', 'workflow_task_queue_poll_succeed', 'task_queue'),
        latency('Schedule to start', 'How long they wait.', 'workflow_task_schedule_to_start_latency', 'task_queue'),
        {
          title: 'Failed workflow tasks',
          about: 'NonDeterminismError after a deployment: the new build can not replay an open run.',
          unit: 'ops',
          queries: {
            '{{workflow_type}} {{failure_reason}}': rate(
              'workflow_task_execution_failed',
              'workflow_type, failure_reason',
            ),
          },
        },
        latency('Execution', 'With the local activities in it.', 'workflow_task_execution_latency', 'workflow_type'),
        latency('Replay', 'Where a run was not in the cache.', 'workflow_task_replay_latency', 'workflow_type'),
        throughput('Empty polls', 'Polls that brought nothing.', 'workflow_task_queue_poll_empty', 'task_queue'),
      ],
    },
    {
      title: 'Activities',
      graphs: [
        {
          title: 'Activities',
          about: 'Activities and local activities a second.',
          unit: 'ops',
          queries: {
            '{{activity_type}}': rate('activity_execution_latency_count', 'activity_type'),
            'local {{activity_type}}': rate('local_activity_total', 'activity_type'),
          },
        },
        {
          title: 'Failed activities',
          about:
            'deliverMail fails while the mail server is away, acquireOperations while the lock is taken. Others should not.',
          unit: 'ops',
          queries: {
            '{{activity_type}}': rate('activity_execution_failed', 'activity_type'),
            'local {{activity_type}}': rate('local_activity_execution_failed', 'activity_type'),
          },
        },
        {
          title: 'Duration of activities (p95)',
          about: 'deliverMail works for up to a minute at a time.',
          unit: 'ms',
          queries: {
            '{{activity_type}}': p95('activity_execution_latency', 'activity_type'),
            'local {{activity_type}}': p95('local_activity_execution_latency', 'activity_type'),
          },
        },
        latency('Schedule to start', 'How long they wait.', 'activity_schedule_to_start_latency', 'task_queue'),
        throughput('Empty polls', 'Polls that brought nothing.', 'activity_poll_no_task', 'task_queue'),
      ],
    },
    {
      title: 'Slots and cache',
      graphs: [
        {
          title: 'Free slots',
          about: 'What a worker could do besides. The queue email has one, which its lane holds.',
          unit: 'short',
          queries: {
            '{{task_queue}} {{worker_type}}': `sum by (task_queue, worker_type) (temporal_worker_task_slots_available{${IN}})`,
          },
        },
        {
          title: 'Used slots',
          about: 'What the workers do.',
          unit: 'short',
          queries: {
            '{{task_queue}} {{worker_type}}': `sum by (task_queue, worker_type) (temporal_worker_task_slots_used{${IN}})`,
          },
        },
        {
          title: 'Cached workflows',
          about: 'Runs that go on without a replay.',
          unit: 'short',
          queries: { '{{task_queue}}': `sum by (task_queue) (temporal_sticky_cache_size{${IN}})` },
        },
        {
          title: 'Cache hits, misses and evictions',
          about: 'A miss replays the whole history.',
          unit: 'ops',
          queries: {
            hit: rate('sticky_cache_hit', 'namespace'),
            miss: rate('sticky_cache_miss', 'namespace'),
            evicted: rate('sticky_cache_total_forced_eviction', 'namespace'),
          },
        },
      ],
    },
  ],
});
