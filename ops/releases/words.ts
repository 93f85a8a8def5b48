// What a rollback or a deployment is about to do, and what it has done, in words.
import type { DeploymentResult } from '../../workflows/contracts/deployment';
import type { HealthReport, ReleaseDetails } from '../../workflows/contracts/releases';
import type { Rehearsal, RollbackPlan, RollbackResult, UndoneMigration } from '../../workflows/contracts/rollback';
import { describeLosses } from '../migrations/losses';
import { duration } from '../recovery/amounts';
import { because } from '../recovery/follow';
import type { Run } from '../recovery/runs';

const name = ({ version, commit }: ReleaseDetails) => `${version}${commit ? ` (${commit.slice(0, 8)})` : ''}`;
const line = (title: string, text: string) => `${title.padEnd(14)}${text}`;

export function describePlan(plan: RollbackPlan): string[] {
  const { from, to, migrations, workflows, sent, restorePoint, expectedSeconds } = plan;
  return [
    line('from', name(from)),
    line('to', name(to)),
    line('database', migrations.length === 0 ? 'stays as it is' : `${migrations.length} migration(s) are undone:`),
    ...migrations.flatMap(describeMigration),
    line('workflows', `${describeWorkflows(workflows)} go on; all were replayed with ${to.version}`),
    line('stays', sent === null ? 'mail that was sent stays sent' : `${sent} mail(s) sent since then stay sent`),
    line('restore point', restorePoint),
    line('takes', `about ${duration(expectedSeconds)}, the API is away for a part of it`),
  ];
}

function describeMigration({ migration, ...losses }: UndoneMigration): string[] {
  const lines = describeLosses(losses);
  return [`  · ${migration}`, ...(lines.length > 0 ? lines : ['loses nothing']).map((text) => `      ${text}`)];
}

function describeWorkflows(workflows: Record<string, number>): string {
  const parts = Object.entries(workflows).map(([type, count]) => `${count} ${type}`);
  return parts.length === 0 ? 'no open runs' : parts.join(', ');
}

export function describeRollbackEnd(rollbackId: string, run: Run<string, RollbackResult>): string {
  const { status, result, problem } = run;
  if (result?.rehearsal && status === 'done') return describeRehearsal(result.rehearsal, result.plan);
  if (status !== 'done') {
    const serving = result ? ` ${result.serving} serves.` : ' Nothing was changed.';
    return `Rollback ${rollbackId} is ${status}${took(run)}${because(problem)}${serving}`;
  }
  return [
    `Rolled back${took(run)}: ${result?.serving} serves.`,
    ...describeHealth(result?.health ?? null),
    ...(result ? [line('restore point', result.plan.restorePoint)] : []),
  ].join('\n');
}

function describeRehearsal({ verdict, setId, migrations, seconds, problem }: Rehearsal, plan: RollbackPlan): string {
  const verdicts = {
    passed: `The rehearsal passed after ${duration(seconds)}. Nothing was changed.`,
    failed: `The rehearsal FAILED after ${duration(seconds)}${because(problem)}`,
    not_rehearsed: `NOT rehearsed${because(problem)}`,
  };
  return [
    verdicts[verdict],
    ...(setId === null ? [] : [line('copy of', `set ${setId}`)]),
    ...migrations.flatMap(describeMigration),
    'The plan:',
    ...describePlan(plan),
  ].join('\n');
}

export function describeDeploymentEnd(run: Run<string, DeploymentResult>, version: string): string {
  const { status, result, problem } = run;
  if (status !== 'done') {
    return `The deployment of ${version} is ${status}${took(run)}${because(problem)}${result ? ` ${result.serving} serves.` : ' Nothing was changed.'}`;
  }
  return [
    `${version} serves${took(run)}.`,
    ...describeHealth(result?.health ?? null),
    `Back again: ops/rollback.sh${result ? ` (to ${result.plan.from.version})` : ''}`,
  ].join('\n');
}

function describeHealth(health: HealthReport | null): string[] {
  if (!health) return [];
  const { api, workers, requests, errors } = health;
  return [line('health', `${api} API and ${workers} worker process(es); ${errors} of ${requests} requests failed`)];
}

const took = ({ startedAt, finishedAt }: Run) =>
  finishedAt ? ` after ${duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)}` : '';
