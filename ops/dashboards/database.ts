// How PostgreSQL fares as the processes see it: connections, queries, and whether it could be brought back.
import { createDashboard } from './panels';

const QUERY = 'countersign_db_query_duration_seconds';
const quantile = (q: number) =>
  `histogram_quantile(${q}, sum by (process, le) (rate(${QUERY}_bucket[$__rate_interval])))`;
const ageOf = (timestamp: string) => `time() - ${timestamp}`;

export const database = createDashboard({
  uid: 'countersign-database',
  title: 'Database',
  description: 'Connections and queries of API and worker, the way of the write-ahead log, backups and drills.',
  rows: [
    {
      title: 'Now',
      stats: [
        {
          title: 'Pool in use',
          about: 'The process that uses the largest share of its connections.',
          unit: 'percentunit',
          limit: 0.8,
          query: 'max(countersign:db_pool_use:ratio)',
        },
        {
          title: 'Query p99 of the API',
          about: 'One query in a hundred takes longer.',
          unit: 's',
          limit: 0.1,
          query: 'countersign:db_query_duration_seconds:p99_rate5m{process="api"}',
        },
        {
          title: 'Slow queries a minute',
          about: 'Those that take longer than a second.',
          unit: 'short',
          limit: 5,
          query: 'sum(countersign:db_slow_queries:per_minute5m)',
        },
        {
          title: 'Newest backup',
          about: 'Its age. There should be one an hour.',
          unit: 's',
          limit: 7200,
          query: ageOf('max(countersign_backup_last_success_timestamp_seconds)'),
        },
        {
          title: 'Last proven restore',
          about: 'Time since a drill last proved one. There should be one a week.',
          unit: 's',
          limit: 8 * 86_400,
          query: ageOf('max(countersign_last_proven_restore_timestamp_seconds)'),
        },
        {
          title: 'Log on its way',
          about: 'For how long the oldest segment of the write-ahead log has waited for the repository.',
          unit: 's',
          limit: 120,
          query: 'max(countersign_archiving_lag_seconds)',
        },
      ],
    },
    {
      title: 'Connections',
      graphs: [
        {
          title: 'Connections',
          about: 'Of each process, by state. waiting: requests that wait for one.',
          unit: 'short',
          queries: { '{{process}} {{instance}} {{state}}': 'countersign_db_connections' },
        },
        {
          title: 'Pool in use',
          about: 'Busy connections as a share of DB_POOL_SIZE and DB_POOL_OVERFLOW together.',
          unit: 'percentunit',
          limit: 0.8,
          queries: { '{{process}} {{instance}}': 'countersign:db_pool_use:ratio' },
        },
        {
          title: 'Wait for a connection',
          about: 'How long queries and transactions wait before they begin.',
          unit: 's',
          queries: {
            'p99 {{process}}':
              'histogram_quantile(0.99, sum by (process, le) (rate(countersign_db_connection_wait_seconds_bucket[$__rate_interval])))',
            'mean {{process}}':
              'sum by (process) (rate(countersign_db_connection_wait_seconds_sum[$__rate_interval])) / sum by (process) (rate(countersign_db_connection_wait_seconds_count[$__rate_interval]))',
          },
        },
        {
          title: 'Waits given up',
          about: 'Requests a second that got no connection within DB_POOL_TIMEOUT_SECONDS.',
          unit: 'ops',
          queries: { '{{process}} {{instance}}': 'rate(countersign_db_pool_timeouts_total[$__rate_interval])' },
        },
      ],
    },
    {
      title: 'Queries',
      graphs: [
        {
          title: 'Queries',
          about: 'Queries a second.',
          unit: 'ops',
          queries: { '{{process}}': `sum by (process) (rate(${QUERY}_count[$__rate_interval]))` },
        },
        {
          title: 'Duration of queries',
          about:
            'From a query to its result. The goal is a p99 of 100 ms for the API; scans and cleanups of the worker may take longer.',
          unit: 's',
          limit: 0.1,
          queries: {
            'p50 {{process}}': quantile(0.5),
            'p95 {{process}}': quantile(0.95),
            'p99 {{process}}': quantile(0.99),
          },
        },
        {
          title: 'Slow queries a minute',
          about: 'Those that take longer than a second.',
          unit: 'short',
          limit: 5,
          queries: { '{{process}}': 'countersign:db_slow_queries:per_minute5m' },
        },
        {
          title: 'Time in queries',
          about: 'How many queries run at once, on average.',
          unit: 'short',
          queries: { '{{process}}': `sum by (process) (rate(${QUERY}_sum[$__rate_interval]))` },
        },
      ],
    },
    {
      title: 'Recovery',
      graphs: [
        {
          title: 'Age of the newest backup',
          about: 'By kind: a full one each night, an incremental one each hour.',
          unit: 's',
          queries: { '{{kind}}': ageOf('max by (kind) (countersign_backup_last_success_timestamp_seconds)') },
        },
        {
          title: 'Backups missed',
          about: '1: there was no full one for 26 hours, or none at all (any) for two, or the store can not be read.',
          unit: 'short',
          limit: 1,
          queries: { '{{kind}}': 'max by (kind) (countersign_backup_overdue)' },
        },
        {
          title: 'Time since a restore was proven',
          about: 'Drills run each week. Without a line none was ever proven.',
          unit: 's',
          limit: 8 * 86_400,
          queries: { 'last proven': ageOf('max(countersign_last_proven_restore_timestamp_seconds)') },
        },
        {
          title: 'Write-ahead log',
          about: 'stalled: 1 if it does not reach the repository. lag: for how long its oldest segment has waited.',
          unit: 's',
          queries: {
            stalled: 'max(countersign_archiving_stalled)',
            lag: 'max(countersign_archiving_lag_seconds)',
          },
        },
      ],
    },
  ],
});
