// Refuses state-changing requests that a foreign page may have sent, before anything else is checked. The page must repeat a
// token, which shows that it can read our answers. A browser that says that the page is of another site is believed.

import { doubleCsrf } from 'csrf-csrf';
import type { Request, RequestHandler, Response } from 'express';
import { deriveSecrets } from '../ops/runtime/secrets';
import type { ApiSettings } from './dependencies';
import { carriesCredential } from './identity';
import { Problem } from './problems';

/** The key in the body of a login, and the signed token of an unsubscription, is itself the credential. */
export const isCsrfExempt = (path: string) => path === '/api/auth/login' || path.startsWith('/unsubscribe/');
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export const isSecure = ({ PUBLIC_URL }: Pick<ApiSettings, 'PUBLIC_URL'>) => PUBLIC_URL.startsWith('https:');
/** `__Host-` cookies can't be set by a neighbouring host; browsers take them over TLS alone. */
export const cookieName = (settings: Pick<ApiSettings, 'PUBLIC_URL'>, name: string) =>
  `${isSecure(settings) ? '__Host-' : ''}countersign_${name}`;

/** Browsers set this header, and no page can change it. Without it, from other clients and old browsers, the token decides. */
const isCrossSite = ({ headers }: Request) => headers['sec-fetch-site'] === 'cross-site';

export interface Csrf {
  check: RequestHandler;
  issue(request: Request, response: Response): string;
}

export function createCsrf(settings: Pick<ApiSettings, 'PUBLIC_URL' | 'SECRET_KEY'>): Csrf {
  const secrets = deriveSecrets(settings.SECRET_KEY, 'csrf').map((secret) => secret.toString('base64'));
  const session = cookieName(settings, 'session');
  const { validateRequest, generateCsrfToken } = doubleCsrf({
    getSecret: () => secrets,
    // A token belongs to one session; before a login to none.
    getSessionIdentifier: (request) => String(request.cookies?.[session] ?? ''),
    cookieName: cookieName(settings, 'csrf'),
    cookieOptions: { sameSite: 'lax', secure: isSecure(settings), httpOnly: true, path: '/' },
    getCsrfTokenFromRequest: (request) => request.headers['x-csrf-token'],
  });
  return {
    check(request, _response, next) {
      if (SAFE.has(request.method) || carriesCredential(request) || isCsrfExempt(request.path)) return next();
      if (isCrossSite(request)) {
        const detail =
          'A page of another site sent this request. Send it from a page of this host, or with an API key.';
        throw new Problem('cross-site', detail);
      }
      if (validateRequest(request)) return next();
      throw new Problem('csrf-token', 'Send the token of GET /api/auth/csrf-token in X-CSRF-Token, with its cookie.');
    },
    issue: (request, response) => generateCsrfToken(request, response, { overwrite: false, validateOnReuse: false }),
  };
}
