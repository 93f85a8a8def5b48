// What is stuck: for programs, and as a page for the people on call.
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint';
import { STUCK_POLICY, stuckPage } from '../pages/stuck-page';
import type { StuckLook } from '../stuck/stuck';

const Item = z
  .object({
    process: z.string().meta({ description: "The workflow's name" }),
    id: z.string().meta({ description: "The workflow's id; of one mail or contact, the draft's id" }),
    service: z.string().meta({ description: 'What it waits for. `worker`: it should have gone on by itself' }),
    since: z.iso.datetime(),
    attempts: z.int().meta({ description: 'That failed; 0: nothing fails, it only takes too long' }),
    code: z.string(),
    reason: z.string(),
    nextAttemptAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Null: an attempt runs now, or only the process knows' }),
    deadline: z.iso.datetime().nullable().meta({ description: 'The legal deadline that it may miss' }),
    link: z
      .string()
      .nullable()
      .meta({ description: 'To its workflow in the Temporal Web UI; null if TEMPORAL_UI_URL is not set' }),
  })
  .meta({
    id: 'StuckItem',
    example: {
      process: 'userErasure',
      id: 'erasure-0197a000-0000-7000-8000-000000000001',
      service: 'hubspot',
      since: '2026-01-23T21:58:28.000Z',
      attempts: 7,
      code: 'hubspot_away',
      reason: 'HubSpot does not answer.',
      nextAttemptAt: '2026-01-23T22:03:28.000Z',
      deadline: '2026-02-20T09:00:00.000Z',
      link: 'https://temporal.example.com/namespaces/default/workflows/erasure-0197a000-0000-7000-8000-000000000001',
    },
  });

const Stuck = z
  .object({
    items: z.array(Item).meta({ description: 'By service, the oldest first; at most 200' }),
    more: z.boolean().meta({ description: 'True: there are more than these' }),
    complete: z
      .boolean()
      .meta({ description: 'False: a source could not be asked, so that something may be missing here' }),
    sources: z.object({ postgresql: z.string(), temporal: z.string() }).meta({ description: '`ready`, or why not' }),
  })
  .meta({ id: 'Stuck' });

const common = { tag: 'Operations', method: 'get', roles: ['admin', 'ops'] } as const;

export function stuckEndpoints(stuck: StuckLook): Endpoint[] {
  return [
    endpoint({
      ...common,
      path: '/api/ops/stuck',
      summary: 'List what is stuck',
      description:
        'Every step of a process that fails and is tried again, every message that Temporal has not taken, and every run that is over its budget.',
      answer: { status: 200, description: 'What is stuck now', body: Stuck },
      async handle() {
        const { breakers: _, ...answer } = await stuck.look();
        return answer;
      },
    }),
    endpoint({
      ...common,
      path: '/ops/stuck',
      summary: 'Show what is stuck as a page',
      answer: { status: 200, description: 'The page', type: 'text/html' },
      async handle({ response }) {
        response
          .set('Content-Security-Policy', STUCK_POLICY)
          .type('html')
          .send(stuckPage(await stuck.look(), new Date()));
      },
    }),
  ];
}
