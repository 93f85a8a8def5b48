// Processes are started again from rows: where Temporal's store is lost, and where the database is another life of itself.
import { draftApprovalId, state } from '../../workflows/contracts/draft-approval';
import { userErasureId } from '../../workflows/contracts/user-erasure';
import { adopt, untilAtHome, untilHeld } from '../continuity/adopting';
import { expectEachMailOnce } from '../support/mail-count';
import { oneOf } from '../support/one-of';
import { TestService } from '../support/service';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { RewoundService } from './rewound-service';

let old: TestService;
let restored: RewoundService | null = null;
let fresh: TestNamespace | null = null;

beforeEach(async () => {
  old = await TestService.create();
});
afterEach(async () => {
  await old.endWorkers();
  await restored?.close();
  await fresh?.close();
  [restored, fresh] = [null, null];
  await old.close();
});

const statusOf = (id: string, { client } = old.temporal) =>
  client.workflow
    .getHandle(draftApprovalId(id))
    .describe()
    .then(
      ({ status }) => status.name,
      () => null,
    );
const waitsIn = (status: string, id: string, { client } = old.temporal) =>
  until(`its process knows that it is ${status}`, async () => {
    const known = await client.workflow
      .getHandle(draftApprovalId(id))
      .query(state)
      .catch(() => null);
    return known?.status === status ? known : null;
  });
const sentIn = (service: RewoundService, id: string, status = 'sent') =>
  until(`the restored draft is ${status}`, async () => {
    const row = await service.db.draft.findUnique({ where: { id } });
    return row?.status === status ? row : null;
  });

const startsAgain = oneOf(3);
startsAgain(
  'a Temporal store that is lost costs a word: open drafts get their processes, decisions work, mails go out once',
  async () => {
    old.runWorker();
    const done = await old.submitForReview('done@example.org');
    await old.approve(done);
    await old.draftIn('sent', done.id);
    // More than are told at once.
    const open = await Promise.all(
      Array.from({ length: 205 }, (_, i) => old.submitForReview(`reader-${i}@example.org`)),
    );
    const [first, second, changes] = open as [(typeof open)[0], (typeof open)[0], (typeof open)[0]];
    await old.test.commands.requestChanges(old.approver, { id: changes.id, comment: 'shorter' });
    await waitsIn('pending_review', first.id);
    await untilAtHome(old.database.db);
    await old.endWorkers();
    await old.approve(second);

    fresh = await createTestNamespace();
    old.runWorker({ TEMPORAL_NAMESPACE: fresh.namespace });
    expect(await untilHeld(old.database.db)).toBe('other_temporal');
    expect(await adopt(old.database.db, fresh, 'moved')).toMatchObject({ status: 'done' });
    await old.draftIn('sent', second.id);
    await waitsIn('changes_requested', changes.id, fresh);
    for (const { id } of [first, open[204] as typeof first]) await waitsIn('pending_review', id, fresh);
    await old.approve(first);
    await old.draftIn('sent', first.id);
    const { namespaceInfo } = await fresh.client.workflowService.describeNamespace({ namespace: fresh.namespace });
    await until('it is written down that this store knows all', async () => {
      const { temporalNamespaceId } = await old.database.db.instance.findUniqueOrThrow({ where: { id: 1 } });
      return temporalNamespaceId === namespaceInfo?.id;
    });
    expect(await statusOf(done.id, fresh)).toBeNull();
    expect(old.mail.accepted).toHaveLength(3);
    await expectEachMailOnce(old);
  },
);

describe('a restored database', () => {
  startsAgain('does not send again what had been sent, and its processes hear what is true', async () => {
    old.runWorker();
    const sent = await old.submitForReview('sent@example.org');
    const rejected = await old.submitForReview('rejected@example.org');
    const open = await old.submitForReview('open@example.org');
    for (const { id } of [sent, rejected, open]) await waitsIn('pending_review', id);
    const service = await RewoundService.cut(old);
    restored = service;
    await old.approve(sent);
    await old.draftIn('sent', sent.id);
    await old.test.commands.rejectDraft(old.approver, { id: rejected.id, reason: 'no' });
    const lost = await old.submitDue('lost@example.org');
    await old.draftIn('sent', lost.id);
    await old.endWorkers();

    expect(await service.bringBack()).toMatchObject({ drafts: 3, superseded: 0, complete: true });
    const { commands } = service.test;
    service.runWorker();
    const repeated = await commands.approveDraft(old.approver, { id: sent.id, revision: 1 });
    expect(repeated.status).toBe('approved');
    expect((await service.db.draft.findUniqueOrThrow({ where: { id: sent.id } })).status).toBe('sent');
    await until('the rejected draft’s process ends', async () => (await statusOf(rejected.id)) === 'COMPLETED');
    await commands.approveDraft(old.approver, { id: open.id, revision: 1 });
    await sentIn(service, open.id);
    const next = await commands.submitDraft(old.author, { to: 'next@example.org', subject: 's', body: 'b' });
    await commands.approveDraft(old.approver, { id: next.id, revision: 1 });
    await sentIn(service, next.id);
    for (const to of ['sent', 'lost', 'open', 'next'])
      expect(old.mail.acceptedFor(`${to}@example.org`)).toHaveLength(1);
    expect(old.mail.acceptedFor('rejected@example.org')).toHaveLength(0);
  });

  startsAgain(
    'where the loss is accepted, starts a process again that had come to its end; one that runs believes a lower version of a later life',
    async () => {
      old.runWorker();
      const rejected = await old.submitForReview('rejected@example.org');
      const gone = { draft: '', erasure: '' };
      await waitsIn('pending_review', rejected.id);
      const stopped = await old.submitForReview('stopped@example.org');
      await waitsIn('pending_review', stopped.id);
      await old.temporal.client.workflow.getHandle(draftApprovalId(stopped.id)).terminate();
      const revised = await old.submitForReview('revised@example.org');
      await waitsIn('pending_review', revised.id);
      const service = await RewoundService.cut(old);
      restored = service;
      await old.test.commands.requestChanges(old.approver, { id: revised.id, comment: 'shorter' });
      await old.test.commands.reviseDraft(old.author, { id: revised.id, revision: 1, body: 'Hm.' });
      await old.test.commands.requestChanges(old.approver, { id: revised.id, comment: 'shorter' });
      await until('it has heard of all', async () => (await waitsIn('changes_requested', revised.id)).version === 4);
      await old.test.commands.rejectDraft(old.approver, { id: rejected.id, reason: 'no' });
      await until('its process ends', async () => (await statusOf(rejected.id)) === 'COMPLETED');
      gone.draft = (await old.submitForReview('gone@example.org')).id;
      await waitsIn('pending_review', gone.draft);
      gone.erasure = (
        await old.test.commands.requestErasure(old.test.admin, { email: 'a@b.example', grace: 'PT24H' })
      ).requestId;
      const erasure = old.temporal.client.workflow.getHandle(userErasureId(gone.erasure));
      await until('the erasure’s process runs', () => erasure.describe().catch(() => null));
      await old.endWorkers();

      await service.begin();
      expect(await service.mark()).toEqual({ complete: true, parked: 0, missing: 0 });
      await service.release();
      service.runWorker();
      await waitsIn('pending_review', rejected.id);
      expect(await waitsIn('pending_review', revised.id)).toMatchObject({ generation: 2, version: 1 });
      await service.test.commands.approveDraft(old.approver, { id: rejected.id, revision: 1 });
      await sentIn(service, rejected.id);
      await until('the process of what is gone ends', async () => (await statusOf(gone.draft)) === 'COMPLETED');
      await until('the erasure that is gone ends', async () => (await erasure.describe()).status.name === 'COMPLETED');
      // What an operator has terminated stays so, in this life too.
      await service.test.commands.approveDraft(old.approver, { id: stopped.id, revision: 1 });
      await until('its message is delivered', async () => {
        return (await service.db.outboxMessage.count({ where: { entityId: stopped.id } })) === 0;
      });
      expect(await statusOf(stopped.id)).toBe('TERMINATED');
      expect((await service.db.draft.findUniqueOrThrow({ where: { id: stopped.id } })).status).toBe('approved');
      expect(old.mail.accepted.map(({ recipient }) => recipient)).toEqual(['rejected@example.org']);
    },
  );
});
