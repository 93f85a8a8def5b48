// The OpenAPI document, a page to read it, and what each problem means; nothing comes from the internet.
import { join } from 'node:path';
import { Router } from 'express';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import type { Documented } from '../endpoint';
import { PROBLEMS, Problem, type ProblemCode, problemType } from '../problems';

/** The build copies it from swagger-ui-dist. */
const FOLDER = join(PACKAGE_ROOT, 'dist', 'page');
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Countersign API</title>
  <link rel="icon" href="/docs/favicon-32x32.png">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="docs"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
`;

/** A session's requests from the page carry their CSRF token; those with a key need none. */
const START = `const SAFE = ['GET', 'HEAD', 'OPTIONS'];
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  validatorUrl: null,
  async requestInterceptor(request) {
    const headers = request.headers ?? {};
    const ours = new URL(request.url, location.href).origin === location.origin;
    if (ours && !SAFE.includes((request.method ?? 'GET').toUpperCase()) && !headers.Authorization && !headers['X-Admin-Token']) {
      const { csrfToken } = await (await fetch('/api/auth/csrf-token')).json();
      request.headers = { ...headers, 'X-CSRF-Token': csrfToken };
    }
    return request;
  },
});
`;

/** @param makeDocument called once, when it is first asked for */
export function docsRouter(makeDocument: () => object): { router: Router; documented: Documented[] } {
  const router = Router({ caseSensitive: true, strict: true });
  let document: string | null = null;
  router.get('/openapi.json', (_request, response) => {
    document ??= JSON.stringify(makeDocument());
    response.type('application/json').send(document);
  });
  router.get('/', (_request, response) => response.redirect(302, '/docs'));
  router.get(['/docs', '/docs/'], (_request, response) => response.type('html').send(PAGE));
  router.get('/docs/start.js', (_request, response) => response.type('js').send(START));
  for (const name of ASSETS) {
    router.get(`/docs/${name}`, (_request, response) => {
      response.setHeader('Cache-Control', 'public, max-age=86400');
      response.sendFile(name, { root: FOLDER, cacheControl: false });
    });
  }
  router.get('/problems/:code', (request, response) => {
    const code = String(request.params.code);
    if (!Object.hasOwn(PROBLEMS, code)) throw new Problem('not-found', 'There is no such problem.');
    const [status, title] = PROBLEMS[code as ProblemCode];
    response.json({ type: problemType(code as ProblemCode), status, title });
  });
  return { router, documented };
}

const page = (path: string, summary: string, type: string): Documented => ({
  method: 'get',
  path,
  tag: 'Documentation',
  summary,
  roles: 'anyone',
  answer: { status: 200, description: summary, type },
});

const documented = [
  page('/openapi.json', 'This document', 'application/json'),
  page('/docs', 'A page to read it', 'text/html'),
  { ...page('/problems/:code', 'What a problem means', 'application/json'), problems: ['not-found'] as const },
  {
    ...page('/', 'Leads to the docs', 'text/html'),
    answer: { status: 302, description: 'The docs', headers: { Location: '/docs' } },
  },
];
