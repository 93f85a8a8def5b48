// Exposes the outcome of this process's last verification of the audit trail, for alerts.
import { Gauge, type Registry } from 'prom-client';
import { isUnchecked, type Verification } from './verify';

const STATES = ['whole', 'broken', 'anchors_missing', 'key_unknown'] as const;

/** Returns a function that records a verification. The gauge is absent until the first one. */
export function observeAudit(registry: Registry): (found: Pick<Verification, 'ok' | 'reason'>) => void {
  const gauge = new Gauge({
    name: 'countersign_audit_trail',
    help: 'The outcome of the last verification by this process: 1 for its state, 0 for the others. Only `whole` is good; absent until one has ended',
    labelNames: ['state'],
    registers: [registry],
  });
  return (found) => {
    const state = found.ok ? 'whole' : isUnchecked(found) ? found.reason : 'broken';
    for (const each of STATES) gauge.set({ state: each }, Number(each === state));
  };
}
