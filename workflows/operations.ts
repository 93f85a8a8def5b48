// The operations lock: backup, restore, retention, erasure and rollback exclude each other. It does nothing by itself, so that
// it works while everything but Temporal is away.
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type Acquisition,
  acquire,
  HELD,
  type Holder,
  isSame,
  type OperationsInput,
  release,
  SHARED,
  SHARED_FOR_MS,
  state,
} from './contracts/operations';

/** Short histories: whoever takes its work over reads one. */
const CALLS_A_RUN = 200;

export async function operations({ holder = null, sharers = [] }: OperationsInput = {}): Promise<never> {
  let calls = 0;
  /** The one that has held it longest first. */
  let holders = [...(holder ? [holder] : []), ...sharers];
  const show = () => setCurrentDetails(describe(holders));

  setHandler(
    acquire,
    (asked) => {
      calls++;
      const { takeOver: _, takeOvers: __, ...claim } = asked;
      const known = holders.find((one) => isSame(one, claim));
      const holding = known ?? { ...claim, since: new Date().toISOString() };
      if (!known) holders = [...othersThan(asked, holders), holding];
      show();
      return holding;
    },
    {
      // What it rejects leaves no event: who waits asks often.
      validator(asked) {
        const others = othersThan(asked, holders);
        if (others[0] && !others.every((one) => mayShare(asked, one))) throw heldBy(others[0]);
      },
    },
  );
  setHandler(release, (claimant) => {
    calls++;
    holders = holders.filter((one) => !isSame(one, claimant));
    show();
  });
  setHandler(state, () => holders[0] ?? null);
  show();

  await condition(() => calls >= CALLS_A_RUN || workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  const [first = null, ...others] = holders;
  return continueAsNew<typeof operations>(others.length > 0 ? { holder: first, sharers: others } : { holder: first });
}

/** One workflow id runs once at a time, so another run of it is the only one. */
const othersThan = ({ workflowId, takeOver, takeOvers = [] }: Acquisition, holders: readonly Holder[]): Holder[] => {
  const gone = takeOver ? [takeOver, ...takeOvers] : takeOvers;
  return holders.filter((one) => one.workflowId !== workflowId && !gone.some((claimant) => isSame(claimant, one)));
};

const mayShare = (asked: Acquisition, { process, since }: Holder) =>
  SHARED.includes(asked.process) && process === asked.process && Date.now() - Date.parse(since) < SHARED_FOR_MS;

const heldBy = (holder: Holder) =>
  ApplicationFailure.create({
    type: HELD,
    message: `${holder.process} (${holder.workflowId}) holds the lock since ${holder.since}`,
    details: [holder],
  });

/** In Markdown, for the Web UI. */
const describe = (holders: readonly Holder[]) =>
  holders
    .map(({ process, since, workflowId }) => `**${process}** holds it since ${since}: \`${workflowId}\`.`)
    .join('\n') || '**Free.**';
