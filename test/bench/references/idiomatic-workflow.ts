// The reference `idiomatic`: what a Temporal tutorial builds. One workflow a draft, an Update for the decision, a regular
// activity for the mail.
import { condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { IdiomaticActivities } from './idiomatic-activities';
import { decide, type IdiomaticDraft } from './idiomatic-contract';

const { sendMail } = proxyActivities<IdiomaticActivities>({ startToCloseTimeout: '1 minute' });

export async function idiomaticApproval(draft: IdiomaticDraft): Promise<'sent' | 'rejected' | 'expired'> {
  let decision = null as 'approved' | 'rejected' | null;
  setHandler(
    decide,
    (given: 'approved' | 'rejected') => {
      decision = given;
      return given;
    },
    {
      validator: (_given: 'approved' | 'rejected') => {
        if (decision) throw new Error('decided already');
      },
    },
  );
  if (!(await condition(() => decision !== null, '72 hours'))) return 'expired';
  if (decision === 'rejected') return 'rejected';
  await sendMail(draft);
  return 'sent';
}
