// Describes a lane to operators in the Web UI, in Markdown.
import { wayOut, whyHeld } from './contracts/held-mail';
import type { Held, LaneState, Paused } from './contracts/lane';

export function describeLane({ paused, report }: LaneState, service: string): string {
  const lines = [report?.held ? describeHold(report.held) : paused ? describePause(paused) : '**Working.**'];
  if (report) lines.push(`At ${report.at}: ${report.due} due, ${report.sent} sent in all.`);
  if (report?.trouble) {
    const { since, code, failures, nextAttemptAt } = report.trouble;
    lines.push(
      `**The ${service} fails** since ${since} (\`${code}\`, ${failures} attempts); next attempt ${nextAttemptAt}.`,
    );
  }
  return lines.join('\n\n');
}

function describeHold({ code, since }: Held): string {
  if (code === 'restore') return '**Held** by a restore. Next: `ops/restore.sh --lost`.';
  return `**Held** since ${since}: ${whyHeld(code)}. Next: \`${wayOut(code)}\`.`;
}

function describePause({ since, actor, note }: Paused): string {
  const why = note ? ` Why: \`GET /api/circuit-breakers/notes/${note}\`.` : '';
  return `**Paused** since ${since}, by principal ${actor}.${why}`;
}
