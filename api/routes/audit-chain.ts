// Whether the audit trail is what was written. One look at a time: it reads everything.
import { z } from 'zod';
import { AnchorsUnavailable } from '../../activities/audit-trail/anchors';
import { createSigner } from '../../activities/audit-trail/signatures';
import { type Verification, verifyTrail } from '../../activities/audit-trail/verify';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';

const AuditVerification = z
  .object({
    ok: z.boolean(),
    checked: z.int().meta({ description: 'How many events were recomputed' }),
    anchors: z.int().meta({ description: 'How many anchors they were held to' }),
    head: z.object({ position: z.int(), hash: z.string() }),
    firstBroken: z.int().nullable().meta({ description: 'The first position of the chain that is not as it was' }),
    reason: z.string().nullable().meta({ description: 'A code', example: 'hash_differs' }),
    unknownKeys: z.array(z.string()).meta({
      description:
        'Ids of keys that are named as signers and that this process does not have, eight at most. With the reason `key_unknown` no break was found, and what they signed is not verified',
    }),
    unsealed: z
      .object({ events: z.int(), oldestSeconds: z.int() })
      .meta({ description: 'What was committed and waits for the sealer' }),
  })
  .meta({ id: 'AuditVerification' });

/** Whoever asks while one is under way gets its answer. */
export function createTrailVerifier({ db, backups, settings }: Pick<AppDependencies, 'db' | 'backups' | 'settings'>) {
  const verifier = createSigner(settings.SECRET_KEY);
  let running: Promise<Verification> | null = null;
  return function verify(): Promise<Verification> {
    running ??= verifyTrail({ db, store: backups, verifier }).finally(() => {
      running = null;
    });
    return running;
  };
}

export function auditChainEndpoints(verify: () => Promise<Verification>): Endpoint[] {
  return [
    endpoint({
      tag: 'Audit',
      method: 'get',
      path: '/api/audit/verify',
      summary: 'Verify the hash chain of the audit trail',
      description:
        'Recomputes every event from the newest checkpoint on and holds it to the anchors. A long trail takes minutes: `npm run audit:verify` shows its progress.',
      roles: ['admin'],
      answer: { status: 200, description: 'What was found', body: AuditVerification },
      problems: ['anchors-unavailable'],
      async handle() {
        try {
          return await verify();
        } catch (cause) {
          if (!(cause instanceof AnchorsUnavailable)) throw cause;
          const detail = 'The store under BACKUP_URL does not answer, so nothing can be said about the trail.';
          throw new Problem('anchors-unavailable', detail, { headers: { 'Retry-After': '60' }, cause });
        }
      },
    }),
  ];
}
