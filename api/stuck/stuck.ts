// Finds what is stuck across all processes, without reading those that are not.
import type { Client } from '@temporalio/client';
import { type Run, readOverBudget } from '../../activities/process-runs';
import { within } from '../../ops/runtime/within';
import type { Database } from '../../prisma/client';
import { laneId } from '../../workflows/contracts/lane';
import { isService, LANES } from '../../workflows/contracts/services';
import type { Breakers, Lanes } from '../lanes';
import { describeCause } from './causes';
import { MOST_ITEMS, type StuckItem } from './item';
import { readRecorded } from './recorded';

const ANSWERS_WITHIN_MS = 3_000;
const KEPT_MS = 1_000;

/** Times ISO 8601. */
export interface StuckView {
  process: string;
  id: string;
  service: string;
  since: string;
  attempts: number;
  code: string;
  reason: string;
  nextAttemptAt: string | null;
  deadline: string | null;
  link: string | null;
}

export interface Stuck {
  items: StuckView[];
  /** Whether there are more than `items` lists. */
  more: boolean;
  /** False: a source could not be asked, so there may be more. */
  complete: boolean;
  /** `ready`, or why it could not be asked. */
  sources: { postgresql: string; temporal: string };
  /** Null if PostgreSQL could not be asked. */
  breakers: Breakers | null;
}

export interface StuckDependencies {
  db: Database;
  temporal: Client;
  lanes: Lanes;
  settings: { TEMPORAL_UI_URL?: string | undefined };
}

export function createStuck({ db, temporal, lanes, settings }: StuckDependencies) {
  let kept: { stuck: Promise<Stuck>; until: number } | null = null;

  async function look(): Promise<Stuck> {
    const [recorded, known, running] = await Promise.all([
      ask(readRecorded(db)),
      ask(lanes.breakers()),
      ask(readOverBudget(temporal, MOST_ITEMS + 1)),
    ]);
    const breakers = known.found;
    const isPaused = ({ workflowId }: Run) =>
      LANES.some((lane) => laneId(lane) === workflowId && breakers?.[lane].paused);
    const found = [
      ...(recorded.found ?? []).filter(
        ({ service }) => !isService(service) || breakers?.[service].configured !== false,
      ),
      // A lane that is paused stays in its run.
      ...(running.found ?? []).filter((run) => !isPaused(run)).map(toItem),
    ];
    const items = found.sort((a, b) => a.service.localeCompare(b.service) || a.since.getTime() - b.since.getTime());
    const sources = { postgresql: recorded.trouble ?? known.trouble ?? 'ready', temporal: running.trouble ?? 'ready' };
    return {
      items: items.slice(0, MOST_ITEMS).map(view),
      more: items.length > MOST_ITEMS,
      complete: Object.values(sources).every((state) => state === 'ready'),
      sources,
      breakers,
    };
  }

  function view({ workflowId, since, nextAttemptAt, deadline, ...item }: StuckItem): StuckView {
    const { TEMPORAL_UI_URL: ui } = settings;
    const { namespace } = temporal.options;
    return {
      ...item,
      since: since.toISOString(),
      reason: describeCause(item.service, item.code),
      nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
      deadline: deadline?.toISOString() ?? null,
      link: ui ? `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}` : null,
    };
  }

  return {
    look(): Promise<Stuck> {
      if (!kept || kept.until <= Date.now()) kept = { stuck: look(), until: Date.now() + KEPT_MS };
      return kept.stuck;
    },
  };
}

export type StuckLook = ReturnType<typeof createStuck>;

/** Nothing fails, so nothing but the worker is to blame. */
const toItem = (run: Run): StuckItem => ({
  ...run,
  id: run.workflowId,
  service: 'worker',
  attempts: 0,
  code: 'over_budget',
  nextAttemptAt: null,
  deadline: null,
});

async function ask<T>(question: Promise<T>): Promise<{ found: T | null; trouble: string | null }> {
  try {
    return { found: await within(ANSWERS_WITHIN_MS, question), trouble: null };
  } catch {
    return { found: null, trouble: 'could not be asked' };
  }
}
