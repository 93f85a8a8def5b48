// Shows Prometheus the work that never ends, and how fresh each scheduled process is.
import type { Client } from '@temporalio/client';
import type { Registry } from 'prom-client';
import { readLastCompleted, readOverBudget } from '../activities/process-runs';
import { observeGauge, type Sample } from '../ops/runtime/observed-gauge';
import { DURATION_BUDGETS, SCHEDULED_PROCESSES } from '../workflows/contracts/duration-budgets';

/** An alert needs no exact number beyond that. */
const MOST_COUNTED = 100;

export function observeRuns(registry: Registry, temporal: Client): void {
  const processes = Object.keys(DURATION_BUDGETS);
  observeGauge(registry, {
    name: 'countersign_runs_over_budget',
    help: 'Runs that take longer than the budget of their process, at most 100. NaN if Temporal does not answer',
    labelNames: ['workflow'],
    async read() {
      const runs = await readOverBudget(temporal, MOST_COUNTED);
      return samples(processes, (name) => runs.filter(({ process }) => process === name).length);
    },
    unknown: samples(processes, () => Number.NaN),
  });
  observeGauge(registry, {
    name: 'countersign_process_last_completed_timestamp_seconds',
    help: 'When a run of a scheduled process last ended well. NaN: none is known, or Temporal does not answer',
    labelNames: ['workflow'],
    async read() {
      const last = await readLastCompleted(temporal);
      return samples(SCHEDULED_PROCESSES, (name) => last.get(name) ?? Number.NaN);
    },
    unknown: samples(SCHEDULED_PROCESSES, () => Number.NaN),
  });
}

const samples = (processes: readonly string[], value: (process: string) => number): Sample[] =>
  processes.map((process) => ({ labels: { workflow: process }, value: value(process) }));
