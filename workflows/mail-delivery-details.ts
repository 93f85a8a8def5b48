// What the Web UI tells an operator of the mail lane, in Markdown.
import type { MailDeliveryState } from './contracts/mail-delivery';

export function describeLane({ paused, report }: MailDeliveryState): string {
  const lines = [paused ? `**Paused** since ${paused.since}, by principal ${paused.actor}.` : '**Working.**'];
  if (report) lines.push(`At ${report.at}: ${report.due} due, ${report.sent} sent in all.`);
  if (report?.trouble) {
    const { since, code, failures, nextAttemptAt } = report.trouble;
    lines.push(
      `**The mail server fails** since ${since} (\`${code}\`, ${failures} attempts); next attempt ${nextAttemptAt}.`,
    );
  }
  return lines.join('\n\n');
}
