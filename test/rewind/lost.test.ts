// What is lost is found without the old cluster too, as far as the journal and Temporal's histories know of it.
import { findLost, streamLost } from '../../activities/rewind';
import { draftApprovalId, state } from '../../workflows/contracts/draft-approval';
import { aDraft } from '../support/commands';
import { copyTestDatabase } from '../support/database';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { RewoundService } from './rewound-service';

let old: TestService;
let restored: RewoundService | null = null;
beforeEach(async () => {
  old = await TestService.create();
});
afterEach(async () => {
  await old.endWorkers();
  await restored?.close();
  restored = null;
  await old.close();
});

const hasHeard = (id: string, version: number) =>
  until('its process has heard of it', async () => {
    const { client } = old.temporal;
    const known = await client.workflow
      .getHandle(draftApprovalId(id))
      .query(state)
      .catch(() => null);
    return known?.version === version;
  });
const hasEnded = (id: string) =>
  until('its process has ended, and is listed so', async () => {
    const query = `WorkflowId = '${draftApprovalId(id)}' AND ExecutionStatus = 'Completed'`;
    return (await old.temporal.client.workflow.count(query)).count === 1;
  });

it('tells what Temporal and the journal know, where nothing else is left', async () => {
  old.runWorker();
  const before = await old.submitForReview('before@example.org');
  const revised = await old.submitForReview('revised@example.org');
  const service = await RewoundService.cut(old);
  restored = service;
  const after = await old.submitForReview('after@example.org');
  const sent = await old.submitForReview('sent@example.org');
  await old.approve(sent);
  await old.draftIn('sent', sent.id);
  await old.test.commands.reviseDraft(old.author, { id: revised.id, revision: 1, body: 'Hm.' });
  await hasHeard(revised.id, 2);
  await hasHeard(after.id, 1);
  const automatic = await old.submitDue('automatic@example.org');
  await old.draftIn('sent', automatic.id);
  const erasure = await old.test.commands.requestErasure(old.test.admin, {
    email: 'a@b.example',
    grace: 'PT24H',
  });
  await hasEnded(sent.id);
  await until('Temporal knows of the erasure', async () =>
    old.temporal.client.workflow
      .getHandle(`erasure-${erasure.requestId}`)
      .describe()
      .then(
        () => true,
        () => false,
      ),
  );

  await service.begin();
  await service.mark();
  const ask = () => findLost({ restored: service.db, truth: null, ...service.sources });
  const isListed = async () => {
    const lost = await ask();
    return lost.drafts.length === 4 && lost.erasures.length === 1 ? lost : null;
  };
  // Temporal's list of executions takes a moment.
  const lost = await until('all are listed', isListed);
  const by = new Map(lost.drafts.map((one) => [one.id, one]));
  expect(by.get(after.id)).toMatchObject({ was: { status: 'pending_review', version: 1 }, is: null });
  expect(by.get(sent.id)).toMatchObject({ was: { status: 'sent', version: 5 }, is: null });
  expect(by.get(revised.id)).toMatchObject({ was: { status: 'pending_review', version: 2 }, is: { version: 1 } });
  expect(by.get(automatic.id)).toMatchObject({ was: { status: 'claimed', version: null }, is: null });
  expect(by.has(before.id)).toBe(false);
  expect(lost).toMatchObject({ complete: false, sent: 1, claimed: 1 });
  expect(lost.erasures).toEqual([{ id: erasure.requestId, was: { status: 'waiting', version: 1 }, is: null }]);
  expect(JSON.stringify(lost)).not.toContain('example');
});

it('adds what came after the end of an archive', async () => {
  old.runWorker();
  const service = await RewoundService.cut(old);
  restored = service;
  const known = await old.submitDue('known@example.org');
  await old.draftIn('sent', known.id);
  const archive = await copyTestDatabase(old.database);
  const later = await old.submitDue('later@example.org');
  await old.draftIn('sent', later.id);
  await service.begin();
  await service.mark();
  const truth = { db: archive.db, isWhole: false };
  const parts: string[] = [];
  for await (const part of streamLost({ restored: service.db, truth, ...service.sources })) parts.push(part);
  const lost = JSON.parse(parts.join(''));
  expect(lost).toMatchObject({ complete: false, sent: 1, claimed: 1 });
  expect(lost.drafts).toMatchObject([
    { id: known.id, was: { status: 'sent' }, is: null },
    { id: later.id, was: { status: 'claimed' }, is: null },
  ]);
  expect(await service.reconcile(truth)).toMatchObject({ drafts: 1, complete: true });
  await service.release();
  await archive.drop();
});

it('tells what the last life has lost, and not once more what the restore before had undone', async () => {
  const first = await RewoundService.cut(old);
  const second = await RewoundService.cut(old);
  restored = first;
  old.runWorker();
  const undone = await old.submitForReview('undone@example.org');
  await hasHeard(undone.id, 1);
  await old.endWorkers();
  const { generation } = await first.begin();
  await first.mark();
  await first.release();
  first.runWorker();
  await hasEnded(undone.id);
  const lost = await first.test.commands.submitDraft(old.author, aDraft({ to: 'lost@example.org' }));
  await hasHeard(lost.id, 1);
  await old.endWorkers();

  await second.begin(generation);
  await second.mark();
  const listed = await until('something is listed', async () => {
    const { drafts } = await findLost({ restored: second.db, truth: null, ...second.sources });
    return drafts.length > 0 ? drafts : null;
  });
  await second.close();
  expect(listed).toEqual([
    { id: lost.id, was: expect.objectContaining({ status: 'pending_review', version: 1 }), is: null },
  ]);
});
