// What a restore has lost and what became of that, in words: where a tired person looks first.
import type { Lost } from '../../activities/rewind/lost';
import type { FollowUpResult } from '../../workflows/contracts/restore-follow-up';

const DRAFTS_SHOWN = 20;
const NOTHING = '-';

export function describeLost(restoreId: string, lost: Lost): string {
  const amounts = amountsOf(lost);
  const head =
    amounts.length > 0 ? 'had been acknowledged, and is gone:' : 'has lost nothing that had been acknowledged.';
  return [
    `Restore ${restoreId} ${head}`,
    ...amounts.map(([amount, what]) => `  ${String(amount).padStart(6)}  ${what}`),
    lost.complete ? 'That is everything.' : 'There may be more that nobody knows of.',
    ...(lost.drafts.length > 0 ? ['', ...draftTable(lost.drafts), ''] : []),
    'To bring it back and send mail again: ops/restore.sh --reconcile. To give it up: ops/restore.sh --accept-loss',
  ].join('\n');
}

function amountsOf({ drafts, sent, claimed, decisions, suppressions, holds, policies, keys, erasures }: Lost) {
  const all: [amount: number, what: string][] = [
    [drafts.length, 'drafts that were made or went on'],
    [sent, 'mails that had been sent'],
    [claimed, 'mails that may have been sent'],
    [decisions, 'decisions'],
    [erasures.length, 'erasures of people'],
    [suppressions, 'addresses that wanted no mail'],
    [holds, 'legal holds, placed or released'],
    [policies, 'policies, which do not come back: set them again'],
    [keys, 'API keys, made or revoked, which do not come back: make or revoke them again'],
  ];
  return all.filter(([amount]) => amount > 0);
}

function draftTable(drafts: Lost['drafts']): string[] {
  const rows = drafts.slice(0, DRAFTS_SHOWN).map(({ id, was, is }) => [id, was.status, is?.status ?? NOTHING]);
  const more = drafts.length - rows.length;
  return [
    ...[['draft', 'was', 'is'], ...rows].map(([id = '', was = '', is]) => `${id.padEnd(36)}  ${was.padEnd(18)}  ${is}`),
    ...(more > 0 ? [`and ${more} more: ops/restore.sh --lost --json`] : []),
  ];
}

export function describeFollowUp(
  act: 'reconcile' | 'accept-loss' | 'undo',
  restoreId: string,
  { restoreId: itself, drafts }: FollowUpResult,
): string {
  if (act === 'undo') {
    return `Restore ${restoreId} is undone; the way back is restore ${itself}. Mail is held until what was lost is brought back or given up: ops/restore.sh --lost`;
  }
  const done =
    act === 'reconcile'
      ? `Restore ${restoreId} is reconciled; drafts that were brought back to their true state: ${drafts}.`
      : `What restore ${restoreId} has lost is given up.`;
  return `${done} Mail is sent again.`;
}
