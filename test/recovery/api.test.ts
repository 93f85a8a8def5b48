import { ApiClient } from '../support/api-client';
import { aDraft } from '../support/commands';
import { ADMIN_PASSWORD } from '../support/environment';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until, untilStill } from '../support/until';

const DRAFTS = isLongRun ? 600 : 60;
const KILLS = isLongRun ? 8 : 1;
const AT_ONCE = 8;

let service: TestService;
let url: string;
beforeAll(async () => {
  service = await TestService.create();
  url = `http://127.0.0.1:${service.environment.PORT}`;
});
afterAll(() => service?.close());

async function startApi() {
  const api = service.start('api', 'api/main.js');
  await until('the API is ready', () => new ApiClient(url, {}).ready());
  return api;
}

async function clientWith(role: string, name: string): Promise<ApiClient> {
  const admin = new ApiClient(url, { 'x-admin-token': ADMIN_PASSWORD });
  const answer = await admin.post('/api/keys', { name, roles: [role] });
  expect(answer).toMatchObject({ status: 201 });
  return new ApiClient(url, { authorization: `Bearer ${answer?.body.key}` });
}

it('an API that is killed and frozen over and over keeps what it acknowledged, and does what is repeated once', async () => {
  let api = await startApi();
  service.runWorker();
  const author = await clientWith('author', 'a client');
  const approver = await clientWith('approver', 'a person');
  const acknowledged = new Set<string>();
  let next = 0;
  let done = 0;

  /** Repeats each request until it is answered, as a client with idempotency keys may. */
  const persist = async (post: () => ReturnType<ApiClient['post']>) =>
    until('the request is answered', async () => {
      const answer = await post();
      return answer && answer.status < 500 ? answer : null;
    });
  const work = async () => {
    for (let i = next++; i < DRAFTS; i = next++) {
      const body = aDraft({ to: `reader-${i}@example.org` });
      const submitted = await persist(() => author.post('/api/drafts', body, { 'idempotency-key': `draft ${i}` }));
      expect(submitted.status).toBe(201);
      acknowledged.add(submitted.body.id);
      const approved = await persist(() => approver.post(`/api/drafts/${submitted.body.id}/approve`, { revision: 1 }));
      expect(approved.status).toBe(200);
      done += 1;
    }
  };
  const disturb = async () => {
    for (let n = 1; n <= KILLS; n++) {
      await until('some requests are answered', () => done >= (DRAFTS * n) / (KILLS + 2));
      await api.kill();
      api = await startApi();
      api.freeze();
      await untilStill('nobody is answered any more', () => done);
      api.thaw();
    }
  };
  await Promise.all([disturb(), ...Array.from({ length: AT_ONCE }, work)]);

  const ids = (await service.database.db.draft.findMany({ select: { id: true } })).map(({ id }) => id);
  expect(new Set(ids)).toEqual(acknowledged);
  expect(ids).toHaveLength(DRAFTS);
  expect(await everyDraftEnds(service)).toEqual([]);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(DRAFTS);
});
