// The commands, given what they need.
import { uuidv7 } from 'uuidv7';
import { Prisma } from '../../prisma/client';
import { recordEvent } from './audit';
import { own, resolve, revise, unlessErased, withdraw } from './change-draft';
import type { CommandContext, CommandDependencies } from './context';
import { approve, asApproved, reject, requestChanges } from './decide-draft';
import { toView } from './draft-record';
import { type Rule, transition } from './draft-transition';
import { createErasureCommands } from './erasures';
import { createExportCommands } from './exports';
import type { Commands } from './index';
import { createKeyCommands } from './keys';
import { createHoldCommands } from './legal-holds';
import { createProcessSteps } from './process-steps';
import { assertRoom, lockQuota } from './quota';
import { Refusal } from './refusal';
import { auditRefusals, recordRefusal } from './refusals';
import { createRetentionCommands } from './retention';
import { createServiceCommands } from './service-acts';
import { createSubmitDraft } from './submit-draft';
import { createSuppressionCommands } from './suppressions';

export function createCommands(dependencies: CommandDependencies): Commands {
  const { db, settings } = dependencies;
  const quota = settings.ATTACHMENT_QUOTA_MB * 1_000_000;
  const change = async (context: CommandContext, id: string, rule: Rule) =>
    toView(await transition(dependencies, context, id, unlessErased(rule)));
  const changeOwn = async (context: CommandContext, id: string, rule: Rule) =>
    toView(await transition(dependencies, context, id, own(context.actor, unlessErased(rule))));
  return {
    submitDraft: createSubmitDraft(dependencies),
    async approveDraft(context, { id, revision, comment = null }) {
      const rule = unlessErased(approve(context.actor, { revision, comment }));
      return toView(asApproved(await transition(dependencies, context, id, rule)));
    },
    rejectDraft: (context, { id, revision, reason }) =>
      change(context, id, reject(context.actor, { revision, comment: reason })),
    requestChanges: (context, { id, ...input }) => change(context, id, requestChanges(context.actor, input)),
    reviseDraft: (context, { id, ...input }) => changeOwn(context, id, revise(input, settings.APPROVAL_DEADLINE_HOURS)),
    withdrawDraft: (context, { id, reason }) => changeOwn(context, id, withdraw(reason)),
    resolveDraft: (context, { id, as, reason }) =>
      change(context, id, resolve(as, reason, settings.APPROVAL_DEADLINE_HOURS)),
    ...createProcessSteps(dependencies),
    ...createKeyCommands(dependencies),
    ...createSuppressionCommands(dependencies),
    ...createErasureCommands(dependencies),
    ...createExportCommands(dependencies),
    ...createHoldCommands(dependencies),
    ...createRetentionCommands(dependencies),
    ...createServiceCommands(dependencies),

    async setPolicy(context, document, read) {
      const json = document as unknown as Prisma.InputJsonObject;
      for (;;) {
        const { _max } = await db.policy.aggregate({ _max: { version: true } });
        await auditRefusals(db, context, { subject: 'policy' }, () => {
          if (read === undefined || read === _max.version) return;
          throw new Refusal('stale_revision', `The policy is at version ${_max.version}; read it again.`);
        });
        const version = (_max.version ?? 0) + 1;
        try {
          await db.$transaction(async (tx) => {
            await tx.policy.create({ data: { version, document: json, authorId: context.actor.id } });
            await recordEvent(tx as typeof db, context, {
              type: 'policy.changed',
              subject: 'policy',
              data: { version },
            });
          });
          return { version, document };
        } catch (error) {
          // Somebody else made this version at the same time: ours comes after it.
          if (!(error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002')) throw error;
        }
      }
    },

    assertRoom: (context, bytes) =>
      auditRefusals(db, context, { subject: 'attachment' }, () => assertRoom(db, context.actor.id, bytes, quota)),

    async recordAttachment(context, file) {
      const id = uuidv7();
      await db.$transaction(async (tx) => {
        await lockQuota(tx as typeof db, context.actor.id);
        await assertRoom(tx as typeof db, context.actor.id, file.size, quota);
        await tx.attachment.create({ data: { ...file, id, uploaderId: context.actor.id, createdAt: new Date() } });
        await recordEvent(tx as typeof db, context, {
          type: 'attachment.stored',
          subject: 'attachment',
          subjectId: id,
          data: { size: file.size },
        });
      });
      return { ...file, id };
    },

    recordEvent: (context, event) => recordEvent(db, context, event),
    recordRefusal: (context, event) => recordRefusal(db, context, event),
  };
}
