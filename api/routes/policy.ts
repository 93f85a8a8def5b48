// The auto-approval policy: read with its version, replaced as a whole.
import { z } from 'zod';
import { readPolicy } from '../../activities/commands/policy-cache';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { readIfMatch, unlessStale } from '../if-match';
import { asDocument, Policy } from '../schemas/policy';

const answer = {
  status: 200,
  description: 'The policy in force',
  body: Policy,
  headers: { ETag: 'Its version, quoted' },
};

export function policyEndpoints({ db, commands }: Pick<AppDependencies, 'db' | 'commands'>): Endpoint[] {
  return [
    endpoint({
      tag: 'Policy',
      method: 'get',
      path: '/api/policy',
      summary: 'Read the policy',
      roles: ['admin'],
      answer,
      async handle({ response }) {
        const { version, document } = await readPolicy(db);
        response.setHeader('ETag', `"${version}"`);
        return document;
      },
    }),
    endpoint({
      tag: 'Policy',
      method: 'put',
      path: '/api/policy',
      summary: 'Replace the policy',
      description:
        'Decides what is submitted from now on. The first rule that matches wins, but a hard `reject` or `require` beats every approval.',
      roles: ['admin'],
      body: Policy,
      answer,
      headers: z.object({
        'If-Match': z
          .string()
          .optional()
          .meta({ description: 'The version that you read, quoted: replaces no other', example: '"1"' }),
      }),
      problems: ['precondition-failed'],
      async handle({ body, request, response, context }) {
        const read = readIfMatch(request);
        const { version, document } = await unlessStale(() => commands.setPolicy(context, asDocument(body), read));
        response.setHeader('ETag', `"${version}"`);
        return document;
      },
    }),
  ];
}
