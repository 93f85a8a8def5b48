// Mail to addresses beyond ASCII.
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
});
afterAll(() => service?.close());
afterEach(() => service.endWorkers());

const headOf = (to: string) => {
  const [mail] = service.mail.acceptedFor(to);
  return mail?.bytes.toString('latin1').split('\r\n\r\n')[0]?.split('\r\n') ?? [];
};

describe('a mail server without SMTPUTF8', () => {
  beforeEach(() => {
    service.mail.behave({ extensions: [] });
    service.runWorker();
  });

  it('gets mail to an internationalised domain, which its header too has in ASCII', async () => {
    const draft = await service.submitDue('ada@bücher.example', { replyTo: 'desk@größe.example' });
    expect(await service.draftIn('sent', draft.id)).toMatchObject({ to: 'ada@bücher.example', outcome: 'delivered' });
    const head = headOf('ada@xn--bcher-kva.example');
    expect(head).toContain('To: ada@xn--bcher-kva.example');
    expect(head).toContain('Reply-To: desk@xn--gre-6ka8i.example');
  });

  it('fails the draft alone whose address it can not take, for good, and says why', async () => {
    const draft = await service.submitDue('jösé@example.org');
    const failed = await service.draftIn('failed', draft.id);
    expect(failed).toMatchObject({ outcome: 'refused', failure: { code: 'needs_smtputf8' } });
    expect(failed.failure?.message).toContain('SMTPUTF8');
    const other = await service.submitDue('after-it@example.org');
    await service.draftIn('sent', other.id);
    const lane = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
    expect(lane).toMatchObject({ failures: 0, lastError: null });
    expect(service.mail.begun).not.toContain('jösé@example.org');
  });
});

it('a mail server with SMTPUTF8 gets mail to a local part beyond ASCII', async () => {
  service.mail.behave({});
  service.runWorker();
  const draft = await service.submitDue('jösé@bücher.example');
  await service.draftIn('sent', draft.id);
  expect(service.mail.acceptedFor('jösé@xn--bcher-kva.example')).toHaveLength(1);
});

describe('a sender whose domain is internationalised', () => {
  it('is named in ASCII everywhere', async () => {
    service.mail.behave({ extensions: [] });
    service.runWorker({ MAIL_FROM: 'Bücher <post@bücher.example>', PUBLIC_URL: 'https://bücher.example/outbox/' });
    const draft = await service.submitDue('customer@example.org');
    const { messageId } = await service.draftIn('sent', draft.id);
    const [mail] = service.mail.acceptedFor('customer@example.org');
    expect(mail?.sender).toBe('post@xn--bcher-kva.example');
    expect(messageId).toBe(`<${draft.id}@xn--bcher-kva.example>`);
    const head = headOf('customer@example.org');
    expect(head).toContain('From: =?UTF-8?B?QsO8Y2hlcg==?= <post@xn--bcher-kva.example>');
    expect(head.join('\n')).toContain('List-Unsubscribe: <https://xn--bcher-kva.example/outbox/unsubscribe/');
    expect(mail?.bytes.toString('latin1')).toMatch(/^[\r\n\t -~]*$/);
  });

  it('waits for a mail server that takes its local part, and fails no draft', async () => {
    service.mail.behave({ extensions: [] });
    service.runWorker({ MAIL_FROM: 'grüße@example.com' });
    const draft = await service.submitDue('patient@example.org');
    await until('the service counts as failing', async () => {
      const lane = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
      return lane.failures > 0 && lane.lastError === 'no_smtputf8';
    });
    expect(await service.draft(draft.id)).toMatchObject({ status: 'scheduled', outcome: null });
    service.mail.behave({});
    await service.draftIn('sent', draft.id);
    expect(service.mail.acceptedFor('patient@example.org').map(({ sender }) => sender)).toEqual(['grüße@example.com']);
  });
});
