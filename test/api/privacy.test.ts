import { aDraft } from '../support/commands';
import { TestApi } from './test-api';

const CANARY = 'zebrafinch';
const address = `${CANARY}@example.org`;

it('nothing personal that comes in by any way goes out by logs or metrics, whatever is answered', async () => {
  const api = await TestApi.create({
    commands: (commands) => ({ ...commands, setPolicy: () => Promise.reject(new Error(`about ${address}`)) }),
  });
  const author = await api.person(`${CANARY} the agent`, 'author');
  const approver = await api.person(`${CANARY} the approver`, 'approver');
  const draft = aDraft({
    to: address,
    subject: CANARY,
    body: CANARY,
    html: CANARY,
    campaign: CANARY,
    metadata: { CANARY },
  });
  const { id } = (await author.post('/api/drafts').set('Idempotency-Key', CANARY).send(draft)).body;
  const answers = [
    await author
      .post('/api/drafts')
      .set('Idempotency-Key', CANARY)
      .send({ ...draft, subject: `${CANARY} 2` }),
    await author.post('/api/drafts').send({ ...draft, to: `${address}>`, [address]: address }),
    await author.post('/api/drafts').type('json').send(`{"to": ${address}`),
    await author.get('/api/drafts').query({ q: address }),
    await author.get('/api/drafts').query({ [address]: address }),
    await author.get(`/api/drafts/${address}`),
    await author.get(`/${address}`),
    await author
      .get('/health')
      .set('X-Request-Id', address)
      .set('Referer', `https://${CANARY}.example`)
      .set('User-Agent', CANARY),
    await approver.post(`/api/drafts/${id}/request-changes`).send({ comment: CANARY }),
    await author.put(`/api/drafts/${id}`).set('If-Match', CANARY).send({ subject: CANARY }),
    await author.post(`/api/drafts/${id}/withdraw`).send({ reason: CANARY }),
    await api.anyone.post('/api/auth/login').send({ key: CANARY }),
    await api.anyone.get('/api/keys').set('X-Admin-Token', CANARY),
    await api.anyone
      .get('/api/keys')
      .set('Authorization', `Bearer ${CANARY}`)
      .set('Cookie', `countersign_session=${CANARY}`),
    await api.admin.put('/api/policy').send({ mode: 'active', rules: [], otherwise: { outcome: 'require' } }),
    await api.admin.post('/api/keys').send({ name: CANARY, email: address, roles: ['king'] }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([
    422, 400, 400, 200, 400, 404, 404, 200, 200, 412, 200, 401, 401, 401, 500, 400,
  ]);
  const told = api.log.join('') + (await api.registry.metrics());
  expect(api.log.length).toBeGreaterThan(answers.length);
  expect(told.toLowerCase()).not.toContain(CANARY);
  const audit = await api.database.db.auditEvent.findMany();
  expect(JSON.stringify(audit, (_key, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
    CANARY,
  );
  const line = api.log.map((one) => JSON.parse(one)).find(({ route }) => route === '/api/drafts/:id/withdraw');
  expect(line).toMatchObject({
    method: 'POST',
    status: 200,
    requestId: expect.any(String),
    actor: expect.any(String),
    ms: expect.any(Number),
  });
  await api.close();
});
