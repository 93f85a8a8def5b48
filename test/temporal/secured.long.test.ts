// Temporal behind TLS and API keys, as Temporal Cloud is: settings alone lead there, and a wrong one is named.
import { type Authority, type Certificate, createAuthority } from '../support/certificates';
import { expectEachMailOnce } from '../support/mail-count';
import type { Environment } from '../support/processes';
import type { TestService } from '../support/service';
import type { TemporalFront } from '../support/temporal-front';
import { until } from '../support/until';
import { checkConnection, createSecured, KEY, logged, openFront, readiness, untilSays } from './secured-temporal';

const WRONG_KEY = 'a-wrong-key-of-the-tests';

let authority: Authority;
let clients: Authority;
let stranger: Authority;
let front: TemporalFront;
/** Wants certificates of clients instead of a key. */
let mutual: TemporalFront;
/** Has a certificate of a name that its address does not have. */
let renamed: TemporalFront;
let service: TestService;
beforeAll(async () => {
  [authority, clients, stranger] = await Promise.all([createAuthority(), createAuthority(), createAuthority()]);
  [front, mutual, renamed] = await Promise.all([
    openFront(authority),
    openFront(authority, { clients }),
    openFront(authority, { host: 'temporal.internal' }),
  ]);
  front.key = KEY;
  service = await createSecured(front, authority);
});
afterEach(() => service.endWorkers());
afterAll(async () => {
  await service?.close();
  for (const one of [front, mutual, renamed]) await one?.close();
});

const API = () => service.environment.PORT;
const WORKER = () => service.environment.WORKER_PORT;

async function approveAndReceive(to: string): Promise<void> {
  const draft = await service.approve(await service.submitForReview(to));
  await service.draftIn('sent', draft.id);
  expect(service.mail.acceptedFor(to)).toHaveLength(1);
}

it('carries an approval to the mailbox with the right API key', async () => {
  const api = service.start('api', 'api/main.js');
  const worker = service.startWorker();
  await approveAndReceive('key@example.org');
  await untilSays(API(), 'ready');
  await untilSays(WORKER(), 'ready');
  expect([front.accepted > 0, front.refused]).toEqual([true, 0]);
  expect(await checkConnection(service.environment)).toMatchObject({
    code: 0,
    found: expect.stringMatching(/^server/),
  });
  expect(api.log + worker.log).not.toContain(KEY);
});

it('works where operators alone may change the namespace, as in Temporal Cloud', async () => {
  front.isCloud = true;
  const worker = service.startWorker();
  await approveAndReceive('cloud@example.org');
  expect(
    logged(worker, 'The namespace could not be checked: see that it is as docs/configuration.md says'),
  ).toHaveLength(1);
  const { code, output } = await checkConnection(service.environment);
  expect(code).toBe(0);
  expect(output).toContain('could not be listed: access refused');
  front.isCloud = false;
});

it('connects by a certificate of its own, and by the name in the certificate of the server', async () => {
  const { cert, key } = await clients.issue('countersign', 'clientAuth');
  const own = { TEMPORAL_TLS_CLIENT_CERT_PATH: cert, TEMPORAL_TLS_CLIENT_KEY_PATH: key };
  const ways: Environment[] = [
    { TEMPORAL_ADDRESS: mutual.address, ...own },
    { TEMPORAL_ADDRESS: renamed.address, TEMPORAL_TLS_SERVER_NAME: 'temporal.internal' },
  ];
  for (const [index, way] of ways.entries()) {
    const worker = service.startWorker({ TEMPORAL_API_KEY: '', ...way });
    await approveAndReceive(`way-${index}@example.org`);
    await worker.stop();
  }
});

const strangers: { certificate?: Certificate } = {};
const WITHOUT_KEY = { TEMPORAL_API_KEY: '' };
/** A server may refuse a certificate by closing the connection, without a reason. */
const CLIENT =
  /^(client certificate refused|connection lost|connection closed, as without TLS or a client certificate)$/;
it.each<[string, () => Environment, RegExp, RegExp]>([
  ['a wrong API key', () => ({ TEMPORAL_API_KEY: WRONG_KEY }), /^credentials refused$/, /TEMPORAL_API_KEY/],
  ['no API key', () => WITHOUT_KEY, /^credentials refused$/, /TEMPORAL_API_KEY/],
  [
    'another authority',
    () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.cert }),
    /^certificate not trusted$/,
    /TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
  ],
  [
    'the authorities of the system',
    () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' }),
    /^certificate not trusted$/,
    /TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
  ],
  [
    'a certificate of another name',
    () => ({ TEMPORAL_ADDRESS: renamed.address }),
    /^certificate of another name$/,
    /TEMPORAL_TLS_SERVER_NAME/,
  ],
  ['no certificate of its own', () => ({ ...WITHOUT_KEY, TEMPORAL_ADDRESS: mutual.address }), CLIENT, /TEMPORAL/],
  [
    'a certificate that a stranger signed',
    () => ({
      ...WITHOUT_KEY,
      TEMPORAL_ADDRESS: mutual.address,
      TEMPORAL_TLS_CLIENT_CERT_PATH: strangers.certificate?.cert ?? '',
      TEMPORAL_TLS_CLIENT_KEY_PATH: strangers.certificate?.key ?? '',
    }),
    CLIENT,
    /TEMPORAL/,
  ],
  [
    'no TLS',
    () => ({ ...WITHOUT_KEY, TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' }),
    /^connection closed, as without TLS or a client certificate$/,
    /TLS/,
  ],
])('names the trouble with %s in the log, to probes and in the check', async (_what, changes, trouble, remedy) => {
  strangers.certificate ??= await stranger.issue('stranger', 'clientAuth');
  const environment = { ...service.environment, ...changes() };
  const api = service.start('api', 'api/main.js', changes());
  const worker = service.startWorker(changes());
  await until('the log of the worker says why it waits', () =>
    logged(worker, 'Temporal unavailable; it is tried again').some((line) => trouble.test(String(line.trouble))),
  );
  const temporal = new RegExp(trouble.source.replace('^', '^(not_ready|degraded): '));
  const statuses = await until('both probes say so', async () => {
    const answers = await Promise.all([readiness(WORKER()), readiness(API())]);
    return answers.every((answer) => temporal.test(answer?.checks.temporal ?? '')) && answers.map((one) => one?.status);
  });
  expect(statuses).toEqual([503, 200]);
  const check = await checkConnection(environment);
  expect(check).toMatchObject({
    code: 1,
    found: expect.stringMatching(trouble),
    remedy: expect.stringMatching(remedy),
  });
  for (const key of [KEY, WRONG_KEY]) expect(api.log + worker.log + check.output).not.toContain(key);
});

it('says that the key has expired, loses nothing meanwhile, and goes on with a new one after a restart', async () => {
  const NEW_KEY = 'the-next-key-of-the-tests';
  const api = service.start('api', 'api/main.js');
  const worker = service.startWorker();
  await approveAndReceive('before@example.org');
  front.key = NEW_KEY;
  front.breakConnections();
  const drafts = [await service.submitDue('policy@example.org')];
  drafts.push(await service.approve(await service.submitForReview('person@example.org')));
  expect(await untilSays(API(), 'degraded: credentials refused')).toMatchObject({ status: 200 });
  expect(await untilSays(WORKER(), 'not_ready: credentials refused')).toMatchObject({ status: 503 });
  expect([api.running, worker.running]).toEqual([true, true]);
  expect([await worker.stop(), await api.stop()]).toEqual([0, 0]);
  expect(api.log + worker.log).not.toContain(KEY);
  service.startWorker({ TEMPORAL_API_KEY: NEW_KEY });
  for (const { id } of drafts) await service.draftIn('sent', id);
  await expectEachMailOnce(service);
  front.key = KEY;
});
