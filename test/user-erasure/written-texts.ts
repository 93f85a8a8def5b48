// Every text that a client, an approver, an admin or an operator writes, through the command that writes it.
import { uuidv7 } from 'uuidv7';
import type { DraftView } from '../../activities/commands/draft-view';
import { setStatus } from '../support/commands';
import type { ErasureService } from './erasure-service';

const BOB = 'bob@elsewhere.example';

/** By what is written. @param email the address of a person, who is mentioned in `text` */
export type Writer = (service: ErasureService, text: string, email: string) => Promise<unknown>;

const submit = ({ base }: ErasureService, changes: object): Promise<DraftView> => base.submitForReview(BOB, changes);

export const WRITERS: Record<string, Writer> = {
  "a draft's recipient": ({ base }, _text, email) => base.submitForReview(email),
  "a draft's reply address": (service, _text, email) => submit(service, { replyTo: email }),
  "a draft's subject": (service, subject) => submit(service, { subject }),
  "a draft's body": (service, body) => submit(service, { body }),
  "a draft's HTML": (service, html) => submit(service, { html }),
  "a draft's campaign": (service, campaign) => submit(service, { campaign }),
  "a draft's metadata": (service, text) => submit(service, { metadata: { [text]: { list: [text] } } }),
  'an idempotency key': (service, idempotencyKey) => submit(service, { idempotencyKey }),
  'two idempotency keys of one author that differ in case alone': async (service, _text, email) => {
    for (const idempotencyKey of [email, email.toUpperCase()]) await submit(service, { idempotencyKey });
  },
  'an earlier revision': async (service, body) => {
    const { id } = await submit(service, { body });
    return service.commands.reviseDraft(service.base.author, { id, revision: 1, body: 'Without them.' });
  },
  'the comment of an approval': async (service, comment) =>
    service.commands.approveDraft(service.base.approver, { id: (await submit(service, {})).id, revision: 1, comment }),
  'the reason of a rejection': async (service, reason) =>
    service.commands.rejectDraft(service.base.approver, { id: (await submit(service, {})).id, reason }),
  'a request for changes': async (service, comment) =>
    service.commands.requestChanges(service.base.approver, { id: (await submit(service, {})).id, comment }),
  'the reason of a withdrawal': async (service, reason) =>
    service.commands.withdrawDraft(service.base.author, { id: (await submit(service, {})).id, reason }),
  'the reason of a resolution': async (service, reason) => {
    const { id } = await submit(service, {});
    await setStatus(service.base.database.db, id, 'failed', 'unknown');
    return service.commands.resolveDraft(service.base.approver, { id, as: 'sent', reason });
  },
  'the name of a file': async (service, text) =>
    submit(service, { attachments: [await service.upload('words', text)] }),
  'a file': async (service, text) => submit(service, { attachments: [await service.upload(text)] }),
  'the name of a rule': ({ commands, admin }, name) =>
    commands.setPolicy(admin, {
      mode: 'active',
      rules: [{ name, when: {}, then: { outcome: 'require' } }],
      otherwise: { outcome: 'require' },
    }),
  'the reason of a hold': async (service, reason) =>
    service.commands.placeHold(service.admin, { draftId: (await submit(service, {})).id, reason }),
  'a suppressed address': ({ commands, admin }, reason, email) => commands.addSuppression(admin, { email, reason }),
  'the reason of a suppression': ({ commands, admin }, reason) =>
    commands.addSuppression(admin, { email: `${uuidv7()}@elsewhere.example`, reason }),
  'the reason of an extension': async ({ commands, admin }, reason) => {
    const erasure = { email: `${uuidv7()}@elsewhere.example`, grace: 'P2D', preview: [] };
    const { requestId } = await commands.requestErasure(admin, erasure);
    return commands.extendErasure(admin, requestId, reason);
  },
  'the name of a principal': ({ commands, admin }, name) => commands.createKey(admin, { name, roles: ['author'] }),
  'the address of a principal': ({ commands, admin }, _text, email) =>
    commands.createKey(admin, { name: uuidv7(), email, roles: ['author'] }),
  'the groups of a key': ({ commands, admin }, text, email) =>
    commands.createKey(admin, { name: uuidv7(), roles: ['approver'], groups: ['legal', text, email] }),
  'the reason of a pause': ({ commands, admin }, reason) =>
    commands.actOnService(admin, { service: 'email', event: 'service.paused', reason }, async () => {}),
};
