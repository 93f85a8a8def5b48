// One definition of a route makes its router, its checks and its page in the OpenAPI document.
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { z } from 'zod';
import { type CommandContext, type Role, SYSTEM } from '../activities/commands/context';
import { contextOf, isAuthenticated } from './identity';
import { type FieldError, Problem, type ProblemCode } from './problems';
import { UUID } from './schemas/text';

export interface Answer {
  status: number;
  description: string;
  body?: z.ZodType;
  type?: string;
  headers?: Record<string, string>;
}

export interface Documented {
  method: 'get' | 'post' | 'put' | 'delete';
  /** As Express writes it. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** One of them suffices. */
  roles: readonly Role[] | 'anyone';
  headers?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Of a body that is no JSON. */
  upload?: Record<string, unknown>;
  answer: Answer;
  /** What is neither this answer nor a problem. */
  otherwise?: Answer;
  /** But for those that any route may answer. */
  problems?: readonly ProblemCode[];
}

export interface Call<Q, B> {
  params: Record<string, string>;
  query: Q;
  body: B;
  request: Request;
  response: Response;
  /** Where anyone may ask, Countersign itself is the actor for whoever did not say who they are. */
  context: CommandContext;
}

export interface Endpoint<Q extends z.ZodObject = z.ZodObject, B extends z.ZodType = z.ZodType> extends Documented {
  query?: Q;
  body?: B;
  /** Gives the body of the answer. */
  handle(call: Call<z.output<Q>, z.output<B>>): unknown;
}

export interface Mounted {
  router: Router;
  documented: Documented[];
}

/** Keeps the types of query and body together with their handler. */
export const endpoint = <Q extends z.ZodObject, B extends z.ZodType>(definition: Endpoint<Q, B>): Endpoint =>
  definition as unknown as Endpoint;

export function mount(requireRole: (...roles: Role[]) => RequestHandler, endpoints: Endpoint[]): Mounted {
  const router = Router({ caseSensitive: true, strict: true });
  for (const one of endpoints) {
    const guards = one.roles === 'anyone' ? [] : [requireRole(...one.roles)];
    const readers = one.body ? [requireJson, readJson] : [];
    router[one.method](one.path, ...guards, ...readers, (request, response) => answer(one, request, response));
  }
  return { router, documented: endpoints };
}

async function answer(definition: Endpoint, request: Request, response: Response): Promise<void> {
  const params = request.params as Record<string, string>;
  if (params.id !== undefined && !UUID.test(params.id)) throw new Problem('not-found', 'Nothing has this id.');
  const context = isAuthenticated(response)
    ? contextOf(request, response)
    : { actor: SYSTEM, requestId: response.locals.requestId };
  const query = definition.query ? parse(definition.query, request.query) : {};
  const body = definition.body ? parse(definition.body, request.body ?? {}) : undefined;
  response.status(definition.answer.status);
  const result = await definition.handle({ params, query, body, request, response, context });
  if (response.headersSent) return;
  if (result === undefined) response.end();
  else response.json(result);
}

export const MOST_BODY_BYTES = 1024 * 1024;
const readJson = express.json({ limit: MOST_BODY_BYTES, type: () => true });

/** Lets pass a body of this type, and none at all. */
export const requireType =
  (type: string): RequestHandler =>
  (request, _response, next) => {
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    if (!hasBody || request.is(type)) return next();
    throw new Problem('unsupported-media-type', `The body must be ${type}.`);
  };
const requireJson = requireType('application/json');

const MOST_ERRORS = 50;

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(fieldErrors).slice(0, MOST_ERRORS);
  throw new Problem('invalid-request', `${errors.length} field(s) are not as they must be.`, { errors });
}

export function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const at = (...keys: PropertyKey[]) => [...issue.path, ...keys].map(String).join('.').slice(0, 200);
  if (issue.code === 'unrecognized_keys') {
    const message = issue.message.startsWith('Unrecognized') ? 'is not a known field' : issue.message;
    return issue.keys.map((key) => ({ path: at(key), message }));
  }
  if (issue.code === 'invalid_union') {
    // What is wrong with the alternative that fits best says more than that none fits.
    const closest = issue.errors
      .flat()
      .filter((nested) => nested.path.length > 0 || nested.code === 'unrecognized_keys');
    if (closest.length > 0)
      return closest.flatMap((nested) => fieldErrors({ ...nested, path: [...issue.path, ...nested.path] }));
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ path: at(), message: isMissing ? 'is required' : lowerFirst(issue.message) }];
}

const lowerFirst = (sentence: string) => sentence.charAt(0).toLowerCase() + sentence.slice(1);
