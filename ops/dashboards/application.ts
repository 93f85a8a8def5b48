// How the API answers: requests, errors, durations, dependencies, and the processes themselves.
import { createDashboard } from './panels';

const HTTP = 'countersign_http_request_duration_seconds';
const ASKED = 'route!~"/(health|healthz|ready|startup)"';
const DURATION = 'countersign:http_request_duration_seconds';
const OURS = 'job=~"countersign-.+"';

export const application = createDashboard({
  uid: 'countersign-application',
  title: 'Application performance',
  description: 'How the API answers, by route, and how API and worker processes fare. Probes are left out.',
  rows: [
    {
      title: 'Now',
      stats: [
        { title: 'Requests', about: 'Requests a second.', unit: 'reqps', query: 'countersign:http_requests:rate5m' },
        {
          title: 'Errors',
          about: 'The share of requests that were answered with a 5xx status in the last five minutes.',
          unit: 'percentunit',
          limit: 0.05,
          query: 'countersign:http_errors:ratio_rate5m',
        },
        {
          title: 'p50',
          about: 'Half of all requests take less.',
          unit: 's',
          limit: 0.1,
          query: `${DURATION}:p50_rate5m`,
        },
        {
          title: 'p99',
          about: 'One request in a hundred takes longer.',
          unit: 's',
          limit: 0.5,
          query: `${DURATION}:p99_rate5m`,
        },
        {
          title: 'API processes',
          about: 'How many answer Prometheus.',
          unit: 'short',
          limit: { min: 1 },
          query: 'sum(up{job="countersign-api"})',
        },
        {
          title: 'Workers',
          about: 'How many answer Prometheus.',
          unit: 'short',
          limit: { min: 1 },
          query: 'sum(up{job="countersign-worker"})',
        },
      ],
    },
    {
      title: 'Requests',
      graphs: [
        {
          title: 'Requests by status',
          about: 'Requests a second. 4xx: the client is refused; 5xx: we fail.',
          unit: 'reqps',
          queries: {
            '{{class}}xx': `sum by (class) (label_replace(rate(${HTTP}_count{${ASKED}}[$__rate_interval]), "class", "$1", "status", "(.).."))`,
          },
        },
        {
          title: 'Requests by route',
          about: 'Requests a second.',
          unit: 'reqps',
          queries: {
            '{{method}} {{route}}': `sum by (method, route) (rate(${HTTP}_count{${ASKED}}[$__rate_interval]))`,
          },
        },
        {
          title: 'Errors by route',
          about: 'Requests a second that are answered with a 5xx status. Nothing here is what should be.',
          unit: 'reqps',
          queries: {
            '{{method}} {{route}} {{status}}': `sum by (method, route, status) (rate(${HTTP}_count{${ASKED}, status=~"5.."}[$__rate_interval]))`,
          },
        },
        {
          title: 'Error ratio and budget',
          about:
            'The share of 5xx over several windows. 0.1 % over 30 days is the budget; above 5 % somebody is woken.',
          unit: 'percentunit',
          limit: 0.05,
          queries: {
            '5 minutes': 'countersign:http_errors:ratio_rate5m',
            '1 hour': 'countersign:http_errors:ratio_rate1h',
            '6 hours': 'countersign:http_errors:ratio_rate6h',
            '3 days': 'countersign:http_errors:ratio_rate3d',
          },
        },
      ],
    },
    {
      title: 'Durations',
      graphs: [
        {
          title: 'Duration of all requests',
          about: 'From the request to the end of its answer. The goals are a p50 of 100 ms and a p99 of 500 ms.',
          unit: 's',
          limit: 0.5,
          queries: {
            p50: `${DURATION}:p50_rate5m`,
            p95: `${DURATION}:p95_rate5m`,
            p99: `${DURATION}:p99_rate5m`,
          },
        },
        {
          title: 'Duration by route (p95)',
          about: 'The slowest twentieth of each route.',
          unit: 's',
          queries: {
            '{{method}} {{route}}': `histogram_quantile(0.95, sum by (method, route, le) (rate(${HTTP}_bucket{${ASKED}}[$__rate_interval])))`,
          },
        },
      ],
    },
    {
      title: 'Dependencies and processes',
      graphs: [
        {
          title: 'Dependencies',
          about: 'What `/ready` says: 1 ready, 0 degraded or not ready, by any API process.',
          unit: 'short',
          limit: { min: 1 },
          queries: { '{{dependency}}': 'min by (dependency) (countersign_dependency_ready)' },
        },
        {
          title: 'Processor',
          about: 'Cores that a process uses. An API process can use one for its answers.',
          unit: 'short',
          queries: { '{{job}} {{instance}}': `rate(process_cpu_seconds_total{${OURS}}[$__rate_interval])` },
        },
        {
          title: 'Event loop (p99)',
          about: 'How late timers are: what delays every answer of a process.',
          unit: 's',
          queries: { '{{job}} {{instance}}': `nodejs_eventloop_lag_p99_seconds{${OURS}}` },
        },
        {
          title: 'Memory',
          about: 'Resident memory of each process.',
          unit: 'bytes',
          queries: { '{{job}} {{instance}}': `process_resident_memory_bytes{${OURS}}` },
        },
        {
          title: 'Garbage collection',
          about: 'The share of time that goes into it.',
          unit: 'percentunit',
          queries: {
            '{{job}} {{instance}}': `sum by (job, instance) (rate(nodejs_gc_duration_seconds_sum{${OURS}}[$__rate_interval]))`,
          },
        },
        {
          title: 'Log lines dropped',
          about: 'Lines a second that could not be written.',
          unit: 'ops',
          queries: { '{{job}} {{instance}}': 'rate(countersign_log_lines_dropped_total[$__rate_interval])' },
        },
      ],
    },
  ],
});
