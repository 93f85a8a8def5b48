// A browser's way in: a CSRF token, a login with a key, a logout.
import { z } from 'zod';
import { type Csrf, cookieName, isSecure } from '../csrf';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { recordRefusedKey, wrong } from '../identity';
import { type KeyRing, sha256 } from '../key-ring';
import { LoggedIn, Login } from '../schemas/key';

const common = { tag: 'Sessions', roles: 'anyone' } as const;

type Dependencies = Pick<AppDependencies, 'commands' | 'sessions' | 'settings' | 'logger'>;

export function authEndpoints(dependencies: Dependencies, ring: KeyRing, csrf: Csrf): Endpoint[] {
  const { sessions, settings } = dependencies;
  const cookie = cookieName(settings, 'session');
  const attributes = { httpOnly: true, sameSite: 'lax', secure: isSecure(settings), path: '/' } as const;
  return [
    endpoint({
      ...common,
      method: 'get',
      path: '/api/auth/csrf-token',
      summary: 'Get a CSRF token and its cookie',
      description: 'It belongs to the session: get another one after a login.',
      answer: {
        status: 200,
        description: 'The token for X-CSRF-Token',
        body: z.object({ csrfToken: z.string() }).meta({ id: 'CsrfToken' }),
        headers: { 'Set-Cookie': 'The other half of the token' },
      },
      handle: ({ request, response }) => ({ csrfToken: csrf.issue(request, response) }),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/auth/login',
      summary: 'Open a session with an API key',
      description: 'Needs no CSRF token: the key is the credential.',
      body: Login,
      answer: {
        status: 200,
        description: 'Who you are',
        body: LoggedIn,
        headers: { 'Set-Cookie': 'The session, http-only' },
      },
      problems: ['unauthenticated'],
      async handle({ body: { key }, response, context }) {
        const holder = await ring.byKey(sha256(key));
        if (!holder) {
          await recordRefusedKey({ ...dependencies, ring }, response, 'login.refused', sha256(key));
          throw wrong('The API key');
        }
        const { actor, keyId } = holder;
        const { token, expiresAt } = await sessions.openSession({ ...context, actor }, keyId);
        response.cookie(cookie, token, { ...attributes, expires: expiresAt });
        return { name: actor.name, roles: actor.roles };
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/auth/logout',
      summary: 'End the session',
      answer: { status: 204, description: 'There is no session any more' },
      async handle({ request, response, context }) {
        const token: string | undefined = request.cookies[cookie];
        if (token) {
          await sessions.endSession(context, token);
          ring.forgetAll();
        }
        response.clearCookie(cookie, attributes);
      },
    }),
  ];
}
