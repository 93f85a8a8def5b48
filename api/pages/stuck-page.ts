// The page of what is stuck, for the people on call: it fits a phone, needs no script, and looks again by itself.
import { DEADLINE_NEAR_SECONDS } from '../../workflows/contracts/duration-budgets';
import type { Breaker, Breakers } from '../lanes';
import { describeCause, describeService } from '../stuck/causes';
import type { Stuck, StuckView } from '../stuck/stuck';
import { escaped, policyFor, when } from './html';

const LOOKS_AGAIN_SECONDS = 10;
const STYLE = `
:root { color-scheme: light dark; --text: #1c2430; --faint: #5b6676; --line: #dde2e8; --card: #ffffff; --page: #f4f6f8; --bad: #b3261e; --warn: #8a5300; --good: #1a7f4b; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --faint: #9aa5b5; --line: #333b47; --card: #1c222b; --page: #14181f; --bad: #f2867e; --warn: #f0b35a; --good: #63c08f; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 0 auto; max-width: 64rem; padding: 1rem; }
h1 { font-size: 1.4rem; margin: .5rem 0 0; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; } p { margin: .25rem 0 .75rem; }
.faint { color: var(--faint); font-size: .9rem; } a { color: var(--link); overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); }
li { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--line); border-radius: 6px; padding: .6rem .8rem; min-width: 0; }
li.bad { border-left-color: var(--bad); } li.warn { border-left-color: var(--warn); } li.good { border-left-color: var(--good); }
strong { display: block; overflow-wrap: anywhere; } dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; margin: .4rem 0 0; font-size: .9rem; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; } .bad-text { color: var(--bad); font-weight: 600; }
.notice { border-left: 4px solid var(--bad); background: var(--card); padding: .6rem .8rem; }
`;
export const STUCK_POLICY = policyFor(STYLE);

export function stuckPage(stuck: Stuck, now: Date): string {
  const { items, more, breakers } = stuck;
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="refresh" content="${LOOKS_AGAIN_SECONDS}">
  <title>${escaped(title(stuck))}</title>
  <style>${STYLE}</style>
</head>
<body>
  <h1>${escaped(title(stuck))}</h1>
  <p class="faint">As of ${when(now.toISOString())}. This page looks again every ${LOOKS_AGAIN_SECONDS} seconds.</p>
  ${describeSources(stuck)}
  <h2>Services</h2>
  ${breakers ? services(breakers) : '<p>PostgreSQL could not be asked how the services fare.</p>'}
  ${[...new Set(items.map(({ service }) => service))].map((service) => section(service, items, now)).join('\n  ')}
  ${more ? '<p class="notice">There are more. These are the first by service and age.</p>' : ''}
</body>
</html>
`;
}

function title({ items, more, complete }: Stuck): string {
  if (items.length === 0) return complete ? 'Nothing is stuck' : 'Nothing is known to be stuck';
  return `${more ? 'More than ' : ''}${items.length} stuck`;
}

function describeSources({ sources, complete }: Stuck): string {
  if (complete) return '';
  const names = { postgresql: 'PostgreSQL', temporal: 'Temporal' };
  const away = (Object.keys(names) as (keyof typeof names)[]).filter((name) => sources[name] !== 'ready');
  return `<p class="notice"><b>${away.map((name) => names[name]).join(' and ')} could not be asked.</b> Something may be missing here.</p>`;
}

const services = (breakers: Breakers) =>
  `<ul>${Object.entries(breakers)
    .map(([name, breaker]) => service(name, breaker))
    .join('')}</ul>`;

function service(name: string, breaker: Breaker): string {
  const { configured, paused, pausedBy, pausedSince, waiting, moreWaiting, oldestWaitingSince } = breaker;
  const [tone, state] = !configured
    ? ['', 'not configured']
    : paused
      ? ['warn', `paused since ${when(pausedSince ?? '')} by ${escaped(pausedBy ?? 'an operator')}`]
      : breaker.state === 'closed'
        ? ['good', 'works']
        : ['bad', `${escaped(describeCause(name, breaker.lastError ?? 'unknown'))} ${breaker.failures} attempts.`];
  const oldest = oldestWaitingSince ? `, the oldest since ${when(oldestWaitingSince)}` : '';
  const queue = configured ? `<dt>Waiting</dt><dd>${moreWaiting ? 'more than ' : ''}${waiting}${oldest}</dd>` : '';
  const next = breaker.nextAttemptAt ? `<dt>Next attempt</dt><dd>${when(breaker.nextAttemptAt)}</dd>` : '';
  return `<li class="${tone}"><strong>${escaped(describeService(name))}</strong>${state}<dl>${queue}${next}</dl></li>`;
}

function section(name: string, items: readonly StuckView[], now: Date): string {
  const own = items.filter(({ service }) => service === name);
  return `<h2>${escaped(describeService(name))}: ${own.length}</h2>
  <ul>${own.map((item) => card(item, now)).join('\n  ')}</ul>`;
}

function card(
  { process, id, reason, code, since, attempts, nextAttemptAt, deadline, link }: StuckView,
  now: Date,
): string {
  const name = link ? `<a href="${escaped(link)}" rel="noreferrer">${escaped(id)}</a>` : escaped(id);
  const due = deadline ? `<dt>Deadline</dt><dd${urgency(deadline, now)}` : '';
  return `<li class="bad"><strong>${name}</strong>${escaped(reason)}
    <dl><dt>Process</dt><dd>${escaped(process)}</dd><dt>Code</dt><dd>${escaped(code)}</dd><dt>Since</dt><dd>${when(since)}</dd>
    <dt>Attempts</dt><dd>${attempts}</dd>${nextAttemptAt ? `<dt>Next attempt</dt><dd>${when(nextAttemptAt)}</dd>` : ''}${due}</dl></li>`;
}

function urgency(deadline: string, now: Date): string {
  const seconds = (Date.parse(deadline) - now.getTime()) / 1000;
  if (seconds < 0) return ` class="bad-text">${when(deadline)}, missed</dd>`;
  return `${seconds < DEADLINE_NEAR_SECONDS ? ' class="bad-text"' : ''}>${when(deadline)}</dd>`;
}
