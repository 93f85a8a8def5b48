// Whether this process lives, has started, and can work. Nobody needs to say who they are, and nobody is counted.
import { z } from 'zod';
import type { Held } from '../../activities/continuity/witness';
import type { OpenBreaker } from '../../activities/open-breakers';
import { VERSION } from '../../ops/runtime/package-root';
import { wayOut, whyHeld } from '../../workflows/contracts/held-mail';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';

const common = { tag: 'Health', method: 'get', roles: 'anyone' } as const;
const Checks = z.object({ status: z.string(), checks: z.record(z.string(), z.string()) }).meta({ id: 'Checks' });

function describeHeld(held: Held | null) {
  if (!held) return null;
  const { code, since } = held;
  return { code, why: whyHeld(code), since: since.toISOString(), next: wayOut(code) };
}

const describeOpen = (open: OpenBreaker[] | null) =>
  open?.map(({ service, code, since }) => ({ service, code, since: since.toISOString() })) ?? null;

export function healthEndpoints({
  checks,
  lifecycle,
  provenRestore,
  witness,
}: Pick<AppDependencies, 'checks' | 'lifecycle' | 'provenRestore' | 'witness'>): Endpoint[] {
  let hasStarted = false;
  const look = async () => {
    const health = await checks.look();
    if (health.ready) hasStarted = true;
    return health;
  };
  return [
    endpoint({
      ...common,
      path: '/health',
      summary: 'This process answers',
      answer: {
        status: 200,
        description: 'It does',
        body: z.object({
          status: z.literal('ok'),
          timestamp: z.iso.datetime(),
          version: z.string(),
          lastProvenRestore: z.iso
            .datetime()
            .nullable()
            .meta({ description: 'When a drill last proved that a backup can be restored' }),
          mailHeld: z
            .object({ code: z.string(), why: z.string(), since: z.iso.datetime(), next: z.string() })
            .nullable()
            .meta({ description: 'Why all mail is held, and the command that leads out; null if it is not' }),
          warnings: z
            .array(z.object({ service: z.string(), code: z.string(), since: z.iso.datetime() }))
            .nullable()
            .meta({ description: 'The services that fail, and why; null: the database could not be asked' }),
        }),
      },
      handle: async () => ({
        status: 'ok',
        timestamp: new Date().toISOString(),
        version: VERSION,
        lastProvenRestore: provenRestore.at(),
        mailHeld: describeHeld(witness.held()),
        warnings: describeOpen((await look()).open),
      }),
    }),
    endpoint({
      ...common,
      path: '/healthz',
      summary: 'Liveness; looks at nothing else',
      answer: { status: 200, description: 'It lives', body: z.object({ status: z.literal('alive') }) },
      handle: () => ({ status: 'alive' }),
    }),
    endpoint({
      ...common,
      path: '/ready',
      summary: 'Readiness',
      description:
        '503 with the same shape only for what the API cannot work without; Redis or Temporal away is `degraded`.',
      answer: { status: 200, description: 'It can work', body: Checks },
      otherwise: { status: 503, description: 'It cannot, and why', body: Checks },
      async handle({ response }) {
        const { ready, checks: states } = await look();
        const isReady = ready && !lifecycle.draining;
        if (!isReady) response.status(503);
        const own = lifecycle.draining ? { process: 'not_ready: shutting down' } : {};
        return { status: isReady ? 'ready' : 'not_ready', checks: { ...own, ...states } };
      },
    }),
    endpoint({
      ...common,
      path: '/startup',
      summary: 'Whether it has been ready once',
      answer: { status: 200, description: 'It has', body: z.object({ status: z.literal('started') }) },
      otherwise: { status: 503, description: 'It has not, and why', body: Checks },
      async handle({ response }) {
        if (hasStarted) return { status: 'started' };
        const { ready, checks: states } = await look();
        if (ready) return { status: 'started' };
        response.status(503);
        return { status: 'starting', checks: states };
      },
    }),
  ];
}
