// The OpenAPI document, made of the definitions that also make the routes.
import { OpenAPIRegistry, OpenApiGeneratorV31, type ResponseConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { VERSION } from '../ops/runtime/package-root';
import { isCsrfExempt } from './csrf';
import type { Documented } from './endpoint';
import { PROBLEMS, type ProblemCode } from './problems';

const ProblemDocument = z
  .object({
    type: z.string().meta({ description: 'Names the problem for ever; leads to its explanation' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    requestId: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

const CREDENTIALS = [{ apiKey: [] }, { adminToken: [] }, { session: [], csrfToken: [] }];

export function createOpenApiDocument(routes: readonly Documented[], sessionCookie: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key',
  });
  registry.registerComponent('securitySchemes', 'adminToken', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Admin-Token',
    description: 'ADMIN_PASSWORD',
  });
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookie,
    description: 'From POST /api/auth/login',
  });
  registry.registerComponent('securitySchemes', 'csrfToken', {
    type: 'apiKey',
    in: 'header',
    name: 'X-CSRF-Token',
    description:
      'From GET /api/auth/csrf-token; for every state-changing request that carries no credential in a header',
  });
  for (const route of routes) register(registry, route);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version: VERSION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Stands between agents that write e-mail and the world that receives it: exactly what was approved is sent, once. Errors are RFC 9457 problems; every answer has an X-Request-Id: the one that you sent, if it has 1 to 42 letters, digits, dots, hyphens and underscores and holds no e-mail address, or else ours. X-Countersign-Request-Id is always ours, and the one that audit events name.',
    },
    servers: [{ url: '/' }],
  });
}

function register(registry: OpenAPIRegistry, route: Documented): void {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
  const params = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
  const { roles } = route;
  const isPublic = roles === 'anyone';
  const needs = roles === 'anyone' ? 'For anyone.' : `Needs the role ${roles.join(' or ')}.`;
  registry.registerPath({
    method: route.method,
    path: route.path.replace(/:(\w+)/g, '{$1}'),
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, needs].filter(Boolean).join(' '),
    security: isPublic ? [] : CREDENTIALS,
    request: {
      ...(names.length > 0 ? { params } : {}),
      ...(route.query ? { query: route.query } : {}),
      ...(route.headers ? { headers: route.headers } : {}),
      ...bodyOf(route),
    },
    responses: { [route.answer.status]: answerOf(route.answer), ...problemsOf(route), ...otherAnswers(route) },
  });
}

function bodyOf({ body, upload }: Documented) {
  if (upload) return { body: { required: true, content: { 'multipart/form-data': { schema: upload } } } };
  if (!body) return {};
  return { body: { required: !body.safeParse({}).success, content: { 'application/json': { schema: body } } } };
}

const otherAnswers = ({ otherwise }: Documented) => (otherwise ? { [otherwise.status]: answerOf(otherwise) } : {});

function answerOf(answer: Documented['answer']): ResponseConfig {
  const headers = {
    'X-Request-Id': 'The id that the client sent, if it is well-formed, or else ours; the log has both',
    'X-Countersign-Request-Id': 'Names this request in problems, logs and audit',
    ...answer.headers,
  };
  const type = answer.type ?? 'application/json';
  return {
    description: answer.description,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, description]) => [
        name,
        { description, schema: { type: 'string' as const } },
      ]),
    ),
    ...(answer.body || answer.type ? { content: { [type]: { schema: answer.body ?? {} } } } : {}),
  };
}

/** Several problems of one status share a response. */
function problemsOf(route: Documented): Record<string, ResponseConfig> {
  const codes = new Set<ProblemCode>(route.problems);
  codes.add('internal-error');
  if (route.tag !== 'Health')
    codes.add('too-many-requests').add('database-busy').add('took-too-long').add('database-unavailable');
  if (route.roles !== 'anyone') codes.add('unauthenticated').add('missing-role');
  if (route.method !== 'get' && !isCsrfExempt(route.path)) codes.add('csrf-token').add('cross-site');
  if (route.query || route.body || route.headers) codes.add('invalid-request');
  if (route.body) codes.add('malformed-body').add('too-large').add('unsupported-media-type');
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) byStatus.set(PROBLEMS[code][0], [...(byStatus.get(PROBLEMS[code][0]) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('. '),
        content: { 'application/problem+json': { schema: ProblemDocument } },
      },
    ]),
  );
}

/** A page is named as one: `/api/ops/stuck` and `/ops/stuck` show the same. */
function operationId({ method, path, answer }: Documented): string {
  const words = path.split(/[/.-]/).filter((word) => word && word !== 'api');
  const spoken = words.map((word) => (word.startsWith(':') ? `By${capital(word.slice(1))}` : capital(word)));
  return `${method}${spoken.join('')}${answer.type === 'text/html' ? 'Page' : ''}`;
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
