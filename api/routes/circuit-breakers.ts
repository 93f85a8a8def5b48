// The external services as circuit breakers: how they fare, and an operator's hand on them.
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import type { CommandContext } from '../../activities/commands/context';
import { laneId, pause, resume, retryNow } from '../../workflows/contracts/lane';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { isLane, type Lanes, SERVICES, type Service } from '../lanes';
import { Problem } from '../problems';
import { retrySteps } from '../retry-steps';
import { optionalRemark } from '../schemas/draft';

const SIGNALLED_WITHIN_MS = 3_000;

const Breaker = z
  .object({
    state: z.enum(['closed', 'open', 'half_open']).meta({
      description:
        'Open: it fails, and what waits for it is held back. Half open: an attempt is finding out whether it is back',
    }),
    configured: z.boolean(),
    paused: z.boolean(),
    pausedBy: z.string().nullable().meta({ description: "The operator's id" }),
    pausedSince: z.iso.datetime().nullable(),
    waiting: z.int().meta({ description: 'What is due now; at most 10,000 are counted' }),
    moreWaiting: z.boolean().meta({ description: 'True: more wait than were counted' }),
    oldestWaitingSince: z.iso.datetime().nullable(),
    failures: z.int().meta({ description: 'In a row' }),
    lastError: z.string().nullable().meta({ description: 'Why it fails: a code' }),
    since: z.iso.datetime().nullable().meta({ description: 'Since when it is in this state; null: it never left it' }),
    nextAttemptAt: z.iso.datetime().nullable(),
    source: z.enum(['temporal', 'postgresql']).meta({
      description:
        'temporal: the state is that of this moment. postgresql: as a worker or an operator last recorded it, since Temporal does not answer or does not know',
    }),
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
  reset: { signal: retryNow, event: 'service.reset', summary: 'Retry a failing service at once' },
  pause: { signal: pause, event: 'service.paused', summary: 'Stop using a service' },
  resume: { signal: resume, event: 'service.resumed', summary: 'Use a paused service again' },
} as const;
type Act = keyof typeof ACTS;

type Dependencies = Pick<AppDependencies, 'db' | 'commands' | 'temporal'>;

export function breakerEndpoints({ db, commands, temporal }: Dependencies, lanes: Lanes): Endpoint[] {
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
      problems: ['not-found', 'not-configured', 'no-lane', 'processes-unavailable'],
      async handle({ params, body: { reason }, context }) {
        const service = SERVICES.find((one) => one === params.service);
        if (!service) throw new Problem('not-found', `There is no such service; there are ${SERVICES.join(' and ')}.`);
        const { configured } = (await lanes.breakers())[service];
        if (configured || name !== 'reset')
          await tell(service, configured, name, reason, context).catch(async (error) => {
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

  async function tell(
    service: Service,
    configured: boolean,
    name: Act,
    reason: string | undefined,
    context: CommandContext,
  ): Promise<void> {
    if (!configured) throw new Problem('not-configured', 'Nothing runs for this service.');
    if (!isLane(service) && name !== 'reset') {
      throw new Problem(
        'no-lane',
        'Processes use this service by themselves. Pause the process in the Web UI instead.',
      );
    }
    const { signal, event } = ACTS[name];
    await commands.actOnService(context, { service, event, reason }, async (note) => {
      const call = { actor: context.actor.id, ...(note === null ? {} : { note }) };
      if (isLane(service))
        await reach(temporal, () => temporal.workflow.getHandle(laneId(service)).signal(signal, call));
      if (name === 'reset') await reach(temporal, () => retrySteps({ db, temporal }, service));
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
