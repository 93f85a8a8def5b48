// The external services as circuit breakers: how they fare, and an operator's hand on them.
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import type { CommandContext } from '../../activities/commands/context';
import { laneId, MAIL_LANE, pause, resume, retryNow } from '../../workflows/contracts/lane';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { type Lanes, SERVICES, type Service } from '../lanes';
import { Problem } from '../problems';
import { optionalRemark } from '../schemas/draft';

const SIGNALLED_WITHIN_MS = 3_000;

const Breaker = z
  .object({
    state: z.enum(['closed', 'open', 'half_open']),
    configured: z.boolean(),
    paused: z.boolean().nullable().meta({ description: 'Null: neither Temporal nor a worker could be asked' }),
    waiting: z.int().meta({ description: 'What is due now' }),
    failures: z.int(),
    lastError: z.string().nullable().meta({ description: 'A code' }),
    since: z.iso.datetime(),
    nextAttemptAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'CircuitBreaker' });

const BreakersStatus = z
  .object({
    summary: z.object({ total: z.int(), open: z.int(), half_open: z.int(), closed: z.int() }),
    breakers: z.record(z.enum(SERVICES), Breaker),
  })
  .meta({ id: 'CircuitBreakersStatus' });

const Reason = z
  .strictObject({ reason: optionalRemark() })
  .meta({ id: 'Reason', example: { reason: 'Planned maintenance of the mail server' } });

const ACTS = {
  reset: { signal: retryNow, event: 'service.reset', summary: 'Try a failing service again at once' },
  pause: { signal: pause, event: 'service.paused', summary: 'Stop using a service' },
  resume: { signal: resume, event: 'service.resumed', summary: 'Use a paused service again' },
} as const;
type Act = keyof typeof ACTS;

type Dependencies = Pick<AppDependencies, 'commands' | 'temporal'>;

export function breakerEndpoints({ commands, temporal }: Dependencies, lanes: Lanes): Endpoint[] {
  const act = (name: Act): Endpoint =>
    endpoint({
      tag: 'Services',
      method: 'post',
      path: `/api/circuit-breakers/${name}/:service`,
      summary: ACTS[name].summary,
      description:
        'The reason is kept in the database. Temporal sees the ids of the actor and of that note, which admins and ops read at `GET /api/circuit-breakers/notes/{id}`.',
      roles: ['admin', 'ops'],
      body: Reason,
      answer: { status: 200, description: 'The service as it was known a moment ago', body: Breaker },
      problems: ['not-found', 'not-configured', 'processes-unavailable'],
      async handle({ params, body: { reason }, context }) {
        const service = SERVICES.find((one) => one === params.service);
        if (!service) throw new Problem('not-found', `There is no such service; there are ${SERVICES.join(' and ')}.`);
        await tell(service, name, reason, context).catch(async (error) => {
          if (error instanceof Problem) {
            const data = { service, act: name, code: error.code };
            await commands.recordRefusal(context, { type: 'service.refused', subject: 'service', data });
          }
          throw error;
        });
        lanes.forget();
        return (await lanes.breakers())[service];
      },
    });

  return [
    endpoint({
      tag: 'Services',
      method: 'get',
      path: '/api/circuit-breakers/status',
      summary: 'How the external services fare',
      roles: 'anyone',
      answer: { status: 200, description: 'Every known service', body: BreakersStatus },
      async handle() {
        const breakers = await lanes.breakers();
        const count = (wanted: string) => Object.values(breakers).filter(({ state }) => state === wanted).length;
        const summary = {
          total: SERVICES.length,
          open: count('open'),
          half_open: count('half_open'),
          closed: count('closed'),
        };
        return { summary, breakers };
      },
    }),
    act('reset'),
    act('pause'),
    act('resume'),
  ];

  async function tell(service: Service, name: Act, reason: string | undefined, context: CommandContext): Promise<void> {
    const { signal, event } = ACTS[name];
    await commands.actOnService(context, { service, event, reason }, async (note) => {
      if (service === MAIL_LANE) {
        const call = { actor: context.actor.id, ...(note === null ? {} : { note }) };
        await reach(temporal, () => temporal.workflow.getHandle(laneId(MAIL_LANE)).signal(signal, call));
      } else if (name === 'pause') {
        // Nothing runs for it, so there is nothing to try again or to go on with either.
        throw new Problem('not-configured', 'Nothing runs for this service.');
      }
    });
  }
}

async function reach(temporal: Client, signal: () => Promise<void>): Promise<void> {
  try {
    await temporal.withDeadline(Date.now() + SIGNALLED_WITHIN_MS, signal);
  } catch (cause) {
    const isAbsent = cause instanceof WorkflowNotFoundError;
    const detail = isAbsent
      ? 'The lane of this service does not run; a worker starts it within 30 s.'
      : 'Temporal does not answer; try again.';
    throw new Problem('processes-unavailable', detail, { headers: { 'Retry-After': isAbsent ? '30' : '1' }, cause });
  }
}
