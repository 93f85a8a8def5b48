// The mail lane as a circuit breaker, with thousands of mails due and everything killed in between.
import { laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { TestApi } from '../api/test-api';
import { expectEachMailOnce } from '../support/mail-count';
import { oneOf } from '../support/one-of';
import { breaksBetween } from '../support/probes';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import type { Behaviour } from '../support/smtp-dialogue';
import { until, untilStill } from '../support/until';

const DRAFTS = isLongRun ? 10_000 : 1_000;
/** Backoffs of 1, 2, 4 … s: so many fit into the time that two workers take to start and be killed. */
const HANDFUL = 9;
/** Measured three times: a machine that is busy with other things may be slow once. */
const ACTS_WITHIN_MS = 2_000;
const STARTS_WITHIN_MS = 240_000;
const SENT_WITHIN_MS = 600_000;

let service: TestService;
let api: TestApi;
beforeEach(async () => {
  service = await TestService.create();
  const { database, temporal } = service;
  api = await TestApi.create({ database, temporal });
});
afterEach(async () => {
  await api?.close();
  await service?.close();
});

/** Copies of one mail that policy has approved. */
async function plantDue(): Promise<void> {
  const { id } = await service.submitDue('reader@example.org');
  await service.database.pool.query(
    `WITH copies AS (
       INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, decision, created_at, updated_at, needs_people, due_at, next_attempt_at)
       SELECT gen_random_uuid(), status, author_id, "to", recipient_hashes, decision, created_at, updated_at, needs_people, due_at, next_attempt_at
       FROM drafts, generate_series(2, $2) WHERE id = $1 RETURNING id
     ) INSERT INTO revisions (draft_id, revision, subject, body, editor_id, content_hash, created_at)
       SELECT c.id, 1, subject, body, editor_id, content_hash, created_at FROM revisions r, copies c WHERE r.draft_id = $1`,
    [id, DRAFTS],
  );
}

const email = async () => (await api.anyone.get('/api/circuit-breakers/status')).body.breakers.email;
/** As an operator: while Temporal is too busy to answer, again. */
const act = (name: string) =>
  until(`${name} is accepted`, async () => {
    const { status } = await api.admin.post(`/api/circuit-breakers/${name}/email`);
    expect([200, 503]).toContain(status);
    return status === 200;
  });
/** @returns milliseconds from the request until it shows */
async function timeOf(name: string, shows: () => Promise<boolean>): Promise<number> {
  const asked = performance.now();
  await act(name);
  await until(`the ${name} shows`, shows);
  return performance.now() - asked;
}
const isPending = async () => ((await service.lane.describe()).raw.pendingActivities ?? []).length > 0;

/** @param isAway nobody listens at all */
async function prove(trouble: Behaviour, code: RegExp, { isAway = false } = {}): Promise<void> {
  const { mail } = service;
  const { db } = service.database;
  const probes = breaksBetween(mail);
  mail.behave(trouble);
  await plantDue();
  if (isAway) await mail.away();
  const failures = async () => (await db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } })).failures;
  const first = service.startWorker();
  await until('probes have failed', async () => (await failures()) >= 3, STARTS_WITHIN_MS);
  await first.kill();
  const second = service.startWorker();
  const before = await failures();
  await until('probes go on where they were', async () => (await failures()) > before, STARTS_WITHIN_MS);

  expect(await failures()).toBeLessThanOrEqual(HANDFUL);
  if (!isAway) {
    expect(probes.count).toBeLessThanOrEqual(HANDFUL);
    expect(probes.mostAtOnce).toBe(1);
  }
  expect(
    await db.draft.count({ where: { OR: [{ attempts: { gt: 0 } }, { nextAttemptAt: { gt: new Date() } }] } }),
  ).toBe(0);
  const breaker = await email();
  expect(breaker).toMatchObject({ state: expect.stringMatching(/open/), lastError: expect.stringMatching(code) });
  expect(breaker.waiting).toBeGreaterThanOrEqual(DRAFTS - 1);

  // A pause and a resume act at once, whatever the backoff.
  const times = { pause: [] as number[], resume: [] as number[] };
  for (let n = 0; n < 3; n++) {
    times.pause.push(await timeOf('pause', async () => !(await isPending())));
    times.resume.push(await timeOf('resume', isPending));
  }
  expect(Math.min(...times.pause)).toBeLessThan(ACTS_WITHIN_MS);
  expect(Math.min(...times.resume)).toBeLessThan(ACTS_WITHIN_MS);

  // A pause outlives the lane itself and every worker.
  await act('pause');
  await until('the lane has stopped', async () => !(await isPending()));
  mail.behave({});
  if (isAway) await mail.listen();
  await second.kill();
  await service.temporal.client.workflow.getHandle(laneId(MAIL_LANE)).terminate('by the test');
  service.startWorker();
  await until('the lane runs again', async () => (await service.lane.describe()).status.name === 'RUNNING');
  await until('it is paused', async () => (await email()).paused);
  await untilStill('nothing is sent', () => mail.connections);
  expect(mail.accepted).toEqual([]);

  /** How many mails had been accepted when each connection was opened, beside how many were open then. */
  const ramp: { open: number; accepted: number }[] = [];
  mail.onConnection = (open) => void ramp.push({ open, accepted: mail.accepted.length });
  await act('resume');
  await until(
    'all are sent',
    async () => (await db.draft.count({ where: { status: 'sent' } })) === DRAFTS,
    SENT_WITHIN_MS,
  );
  expect(mail.accepted).toHaveLength(DRAFTS);
  await expectEachMailOnce(service);
  expect(ramp.filter(({ open, accepted }) => open > accepted + 1)).toEqual([]);
  expect(await db.draft.count({ where: { attempts: { gt: 1 } } })).toBe(0);
  expect(await email()).toMatchObject({ state: 'closed', failures: 0, paused: false, waiting: 0 });
}

const proof = oneOf(4);
const TITLE = 'gets a handful of probes, burns no mail an attempt, and sends each once after healing';

proof(`a mail server that is away ${TITLE}`, () => prove({}, /ECONNREFUSED|ESOCKET/, { isAway: true }), 900_000);
proof(`a mail server that answers 421 ${TITLE}`, () => prove({ greeting: { code: 421 } }, /^smtp_421$/), 900_000);
proof(`a mail server that breaks off at the sender ${TITLE}`, () => prove({ mail: 'fin' }, /./), 900_000);
proof(`a mail server that is half open ${TITLE}`, () => prove({ greeting: 'silence' }, /./), 900_000);
