// Shows what the checks found: one line for each, the remedies below those that need one.
import type { Finding, Status } from './finding';

const MARKS: Record<Status, string> = { ok: '✔', warning: '!', failed: '✘', skipped: '–' };

export function describeFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, found, remedy }) => [
    `${MARKS[status]} ${check.padEnd(width)}  ${found}`,
    ...(remedy ? [`  ${' '.repeat(width)}  → ${remedy}`] : []),
  ]);
  return `${lines.join('\n')}\n\n${summary(findings)}`;
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Status) => findings.filter((one) => one.status === status).length;
  const [failures, warnings] = [count('failed'), count('warning')];
  if (failures > 0) return `${failures} failed, ${warnings} to look at: Countersign can't run like this.`;
  return warnings > 0 ? `Countersign can run; ${warnings} to look at.` : 'All is well.';
}
