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

export async function operations({ holder = null }: OperationsInput = {}): Promise<never> {
  const show = () => setCurrentDetails(describe(holder));

  setHandler(
    acquire,
    ({ takeOver: _, ...claim }) => {
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
    if (holder && isSame(holder, claimant)) holder = null;
    show();
  });
  setHandler(state, () => holder);
  show();

  await condition(() => workflowInfo().continueAsNewSuggested && allHandlersFinished());
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
