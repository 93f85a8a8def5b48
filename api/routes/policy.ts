// The auto-approval policy: read with its version, replaced as a whole.
import { readPolicy } from '../../activities/commands/policy-cache';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
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
      async handle({ body, response, context }) {
        const { version, document } = await commands.setPolicy(context, asDocument(body));
        response.setHeader('ETag', `"${version}"`);
        return document;
      },
    }),
  ];
}
