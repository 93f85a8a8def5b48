// Erasing a person.
import { normaliseAddress } from '../../activities/personal-data/subject';
import { checkCertificate, type SignedCertificate } from '../../activities/user-erasure/certificate';
import { readViews } from '../../activities/user-erasure/erasure-view';
import { createSigner } from '../../ops/runtime/signing';
import { addressOf } from '../address-in-path';
import type { AppDependencies } from '../dependencies';
import { type Call, type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { pageOf, readCursor, TimeCursor } from '../schemas/page';
import * as schema from '../schemas/personal-data';
import { CERTIFICATE_POLICY, certificatePage } from './certificate-page';

const common = { tag: 'GDPR', roles: ['admin'] } as const;
const DEFAULT_GRACE = 'PT24H';

type Dependencies = Pick<AppDependencies, 'db' | 'commands' | 'settings'>;

export function erasureEndpoints({ db, commands, settings }: Dependencies): Endpoint[] {
  const signer = createSigner(settings.SECRET_KEY, 'certificates');

  async function request(
    address: string,
    grace = DEFAULT_GRACE,
    { context, response }: Pick<Call<unknown, unknown>, 'context' | 'response'>,
  ) {
    const erasure = await commands.requestErasure(context, { email: normaliseAddress(address), grace });
    response.setHeader('Location', `/api/gdpr/erasures/${erasure.requestId}`);
    return erasure;
  }

  async function certificateOf(id: string): Promise<SignedCertificate> {
    const row = await db.erasure.findUnique({ where: { id }, select: { status: true, certificate: true } });
    if (!row) throw new Problem('not-found', 'There is no such erasure.');
    if (row.certificate === null) {
      const detail =
        row.status === 'certified'
          ? 'The certificate went with the database that a restore has replaced; the erasure ledger has its entry.'
          : `This erasure is ${row.status}: there is a certificate once it is certified.`;
      throw new Problem('not-certified', detail);
    }
    const signed = row.certificate as unknown as SignedCertificate;
    const standing = checkCertificate(signer, signed);
    if (standing === 'unknown_key') {
      const detail =
        'The certificate was signed by a key that this process does not have: add that key to SECRET_KEY after a comma.';
      throw new Problem('not-certified', detail);
    }
    if (standing === 'forged') throw new Problem('not-certified', 'The certificate’s signature does not hold.');
    return signed;
  }

  const accepted = {
    status: 202,
    description: 'From now on nothing is sent to this person; the erasure waits for its confirmation',
    body: schema.Erasure,
    headers: { Location: 'Where to look how it goes' },
  };

  return [
    endpoint({
      ...common,
      method: 'delete',
      path: '/api/gdpr/user/:email',
      summary: 'Erase a person',
      description: 'A request for who is being erased already joins that erasure. `grace=PT0S` begins at once.',
      query: schema.ErasureQuery,
      answer: accepted,
      handle: ({ params, query, ...call }) => request(addressOf(params.email), query.grace, call),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/erasures',
      summary: 'Erase a person, without the address in the URL',
      body: schema.NewErasure,
      answer: accepted,
      handle: ({ body, ...call }) => request(body.email, body.grace, call),
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/erasures',
      summary: 'List erasures, newest first',
      query: schema.ListQuery,
      answer: { status: 200, description: 'A page of erasures', body: schema.ErasureList },
      async handle({ query: { cursor, limit } }) {
        const [requestedAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const before = requestedAt === undefined ? undefined : new Date(requestedAt);
        const views = await readViews(db, {
          ...(before && id
            ? { where: { OR: [{ requestedAt: { lt: before } }, { requestedAt: before, id: { lt: id } }] } }
            : {}),
          orderBy: [{ requestedAt: 'desc' }, { id: 'desc' }],
          take: limit + 1,
        });
        return pageOf(views, limit, (last) => [Date.parse(last.requestedAt), last.requestId]);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/erasures/:id',
      summary: 'Look how an erasure goes',
      answer: { status: 200, description: 'The erasure', body: schema.Erasure },
      problems: ['not-found'],
      handle: ({ params }) => viewOf(params.id as string),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/erasures/:id/confirm',
      summary: 'Begin an erasure now',
      description: 'Once it has a preview; before, it is 409 `preview-pending`.',
      answer: { status: 200, description: 'The erasure', body: schema.Erasure },
      problems: ['not-found', 'wrong-state', 'preview-pending'],
      handle: ({ params, context }) => commands.confirmErasure(context, params.id as string),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/erasures/:id/cancel',
      summary: 'Cancel an erasure that has not begun',
      answer: { status: 200, description: 'The erasure', body: schema.Erasure },
      problems: ['not-found', 'wrong-state'],
      handle: ({ params, context }) => commands.cancelErasure(context, params.id as string),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/erasures/:id/extend',
      summary: 'Take two months more',
      description: 'Once, within the first month, with a reason that the person is told.',
      body: schema.Extension,
      answer: { status: 200, description: 'The erasure', body: schema.Erasure },
      problems: ['not-found', 'wrong-state', 'deadline-passed'],
      handle: ({ params, body, context }) => commands.extendErasure(context, params.id as string, body.reason),
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/erasures/:id/certificate',
      summary: 'Read the certificate of an erasure',
      description: 'Signed JSON; a page for who accepts `text/html` first.',
      answer: { status: 200, description: 'The certificate', body: schema.Certificate },
      problems: ['not-found', 'not-certified'],
      async handle({ params, request: { headers }, response }) {
        const signed = await certificateOf(params.id as string);
        if (!headers.accept?.startsWith('text/html')) return signed;
        response.set('Content-Security-Policy', CERTIFICATE_POLICY).type('html').send(certificatePage(signed));
      },
    }),
  ];

  async function viewOf(id: string) {
    const [view] = await readViews(db, { where: { id } });
    if (!view) throw new Problem('not-found', 'There is no such erasure.');
    return view;
  }
}
