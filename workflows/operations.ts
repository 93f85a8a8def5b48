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
  state,
} from './contracts/operations';

/** Short histories: whoever takes its work over reads one. */
const CALLS_A_RUN = 200;

export async function operations({ holder = null }: OperationsInput = {}): Promise<never> {
  let calls = 0;
  const show = () => setCurrentDetails(describe(holder));

  setHandler(
    acquire,
    ({ takeOver: _, ...claim }) => {
      calls++;
      holder = holder && isSame(holder, claim) ? holder : { ...claim, since: new Date().toISOString() };
      show();
      return holder;
    },
    {
      // What it rejects leaves no event: who waits asks often.
      validator(asked) {
        if (holder && !mayHave(asked, holder)) throw heldBy(holder);
      },
    },
  );
  setHandler(release, (claimant) => {
    calls++;
    if (holder && isSame(holder, claimant)) holder = null;
    show();
  });
  setHandler(state, () => holder);
  show();

  await condition(() => calls >= CALLS_A_RUN || workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  return continueAsNew<typeof operations>({ holder });
}

/** One workflow id runs once at a time, so another run of it is the only one. */
const mayHave = ({ workflowId, takeOver }: Acquisition, holder: Holder) =>
  workflowId === holder.workflowId || (takeOver !== undefined && isSame(takeOver, holder));

const heldBy = (holder: Holder) =>
  ApplicationFailure.create({
    type: HELD,
    message: `${holder.process} (${holder.workflowId}) holds the lock since ${holder.since}`,
    details: [holder],
  });

/** In Markdown, for the Web UI. */
const describe = (holder: Holder | null) =>
  holder ? `**${holder.process}** holds it since ${holder.since}: \`${holder.workflowId}\`.` : '**Free.**';
