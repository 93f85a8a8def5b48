// Who asks: an API key, the admin token, or a session's cookie. A credential in a header is the only one that counts then.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { type Actor, BOOTSTRAP_ADMIN, type CommandContext, type Role, SYSTEM } from '../activities/commands/context';
import type { Commands } from '../activities/commands/index';
import type { Logger } from '../ops/runtime/logging';
import { counterOf, type Holder, type KeyRing, sha256 } from './key-ring';
import type { Limits } from './limits';
import { Problem } from './problems';

export interface IdentityDependencies {
  ring: KeyRing;
  limits: Limits;
  commands: Pick<Commands, 'recordRefusal'>;
  adminPassword: string;
  sessionCookie: string;
  logger: Logger;
}

interface Identity {
  actor: Actor;
  /** Null for the admin token. */
  keyId: string | null;
}

/** Whether a foreign page could not have sent this: browsers add cookies by themselves, these headers never. */
export const carriesCredential = ({ headers }: Request) => Boolean(headers.authorization || headers['x-admin-token']);

const BEARER = /^Bearer +(\S+) *$/i;
export const wrong = (what: string) =>
  new Problem('unauthenticated', `${what} is wrong or has ended.`, { headers: { 'WWW-Authenticate': 'Bearer' } });

/** Counts the request where it belongs, and finds out who asks; nobody may be allowed, wrong credentials are not. */
export function identify(dependencies: IdentityDependencies): RequestHandler {
  const { ring, limits, adminPassword, sessionCookie } = dependencies;
  const admin = createHash('sha256').update(adminPassword).digest();
  const isPassword = (token: string) => timingSafeEqual(createHash('sha256').update(token).digest(), admin);
  // Some clients send a header in Latin-1, others in UTF-8; node reads it as the former.
  const isAdmin = (token: string) => isPassword(token) || isPassword(Buffer.from(token, 'latin1').toString());

  async function who(request: Request, response: Response): Promise<Identity | null> {
    const { authorization, 'x-admin-token': adminToken } = request.headers;
    if (adminToken && (await limits.adminToken(request, () => isAdmin(String(adminToken))))) {
      return { actor: BOOTSTRAP_ADMIN, keyId: null };
    }
    const isCounted = request.method === 'POST' && request.path.startsWith('/api/auth/');
    if (isCounted) await limits.auth(request);
    const countClient = () => (isCounted ? undefined : limits.client(request));

    if (adminToken) {
      await recordRefused(dependencies, response, { type: 'admin_token.refused', code: 'wrong_token' });
      throw wrong('The admin token');
    }
    if (authorization) {
      const key = BEARER.exec(authorization)?.[1];
      const hash = key === undefined ? null : sha256(key);
      const [holder] = hash
        ? await Promise.all([ring.byKey(hash), isCounted ? undefined : limits.key(counterOf(hash))])
        : [null];
      if (holder) return holder;
      await countClient();
      await recordRefusedKey(dependencies, response, 'api_key.refused', hash);
      throw wrong('The API key');
    }
    const token: string | undefined = request.cookies[sessionCookie];
    const holder = token ? await ring.bySession(sha256(token)) : null;
    if (holder) await (isCounted ? undefined : limits.key(holder.counter));
    else await countClient();
    return holder;
  }

  return async (request, response, next) => {
    response.locals.identity = await who(request, response);
    next();
  };
}

/** Lets pass whoever has one of these roles. */
export const roleGuard =
  (dependencies: Pick<IdentityDependencies, 'commands' | 'logger'>) =>
  (...roles: Role[]): RequestHandler =>
  async (request, response, next) => {
    const { actor } = contextOf(request, response);
    if (actor.roles.some((role) => roles.includes(role))) return next();
    const route = `${request.method} ${request.route?.path ?? ''}`;
    await recordRefused(dependencies, response, { type: 'access.refused', code: 'missing_role', route });
    throw new Problem('missing-role', `This needs the role ${roles.join(' or ')}.`);
  };

export const isAuthenticated = (response: Response) => Boolean(response.locals.identity);
export const keyIdOf = (response: Response) => (response.locals.identity as Identity | null)?.keyId ?? null;

export function contextOf(_request: Request, response: Response): CommandContext {
  const identity = response.locals.identity as Identity | null | undefined;
  if (identity) return { actor: identity.actor, requestId: response.locals.requestId };
  throw new Problem('unauthenticated', 'Say who you are: Authorization: Bearer <api key>.', {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

/** Whose key it was where it has ended. */
export async function recordRefusedKey(
  { ring, ...dependencies }: Pick<IdentityDependencies, 'commands' | 'logger' | 'ring'>,
  response: Response,
  type: string,
  hash: Uint8Array | null,
): Promise<void> {
  const ended = hash ? await ring.endedKey(hash) : null;
  const code = ended ? 'ended_key' : 'wrong_key';
  await recordRefused(dependencies, response, { type, code }, ended);
}

/** A refusal stands, even where it can't be written down. */
export async function recordRefused(
  { commands, logger }: Pick<IdentityDependencies, 'commands' | 'logger'>,
  response: Response,
  { type, ...data }: { type: string; code: string; route?: string },
  key: Pick<Holder, 'actor' | 'keyId'> | null = null,
): Promise<void> {
  const { requestId, identity } = response.locals;
  const context = { actor: key?.actor ?? (identity as Identity | null)?.actor ?? SYSTEM, requestId };
  const about = key ? { subject: 'key', subjectId: key.keyId } : { subject: 'access' };
  await commands
    .recordRefusal(context, { type, ...about, data })
    .catch((err) => logger.error({ err, requestId }, 'A refusal could not be audited'));
}
