// Exposes to Prometheus what `/ready` says of each dependency.
import type { Registry } from 'prom-client';
import { observeGauge } from '../ops/runtime/observed-gauge';
import type { HealthChecks } from './health-checks';

export function observeDependencies(registry: Registry, checks: Pick<HealthChecks, 'look'>): void {
  observeGauge(registry, {
    name: 'countersign_dependency_ready',
    help: '1 if the check of this name in `/ready` is ready, 0 if it is degraded or not ready; absent if it is not configured',
    labelNames: ['dependency'],
    async read() {
      const { checks: states } = await checks.look();
      return Object.entries(states)
        .filter(([, state]) => !state.endsWith('not configured'))
        .map(([dependency, state]) => ({ labels: { dependency }, value: Number(state === 'ready') }));
    },
    unknown: [],
  });
}
