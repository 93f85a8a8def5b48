// Measures how Countersign grows: more processes, one lane and several, and what each draft costs and leaves behind.
import { startCountersign } from '../apps/countersign';
import { newRecipient } from '../closed-loop';
import type { Servers } from '../servers';
import { type DraftCost, measureDraftCosts } from './draft-cost';
import { Fleet, SMALL_POOLS } from './fleet';
import { type Fleets, measureFleets } from './fleets';
import { type LaneSample, measureLanes } from './lanes';
import { measureWholeLane, type WholeLane } from './whole-lane';

export interface Scaling {
  fleets: Fleets;
  drafts: DraftCost[];
  wholeLane: WholeLane;
  lanes: LaneSample[];
}

export async function measureScaling(
  servers: Servers,
  options: { seconds: number; rounds: number; nodeOptions: string[] },
  progress: (line: string) => void,
): Promise<Scaling> {
  const countersign = await startCountersign(servers, options.nodeOptions, SMALL_POOLS, 'scaling');
  const fleet = new Fleet(servers, countersign, options.nodeOptions);
  const fleets = await measureFleets(countersign, fleet, servers, options, progress);
  await fleet.resize({ apis: 1, workers: 1 });
  const { repeated } = servers.arrivals;
  if (repeated > 0) fleets.faults.push(`${repeated} mails came twice`);
  const drafts = await measureDraftCosts(countersign, servers, progress);
  progress('the lane of a worker');
  const recipient = newRecipient('template');
  const template = await countersign.policy.create(recipient);
  await servers.arrivals.of(recipient);
  const wholeLane = await measureWholeLane(countersign, template, fleet, servers);
  await countersign.stop();
  const lanes = await measureLanes(countersign, template, servers, options.rounds, progress);
  return { fleets, drafts, wholeLane, lanes };
}
