// What is done about personal data, as far as it is done at this moment.
import { z } from 'zod';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import type { GdprFeatures } from '../gdpr-status';

const DAYS_A_YEAR = 365;

const GdprStatus = z
  .object({
    status: z.enum(['operational', 'degraded']),
    features: z.object({
      user_deletion: z.boolean(),
      draft_cleanup: z.boolean(),
      anonymization: z.boolean(),
      audit_logging: z.boolean(),
    }),
    compliance: z.object({
      gdpr: z.enum(['Compliant', 'Not compliant']),
      audit_trail_years: z.number(),
      draft_retention_days: z.int(),
    }),
  })
  .meta({ id: 'GdprStatus' });

export function gdprStatusEndpoints(
  { settings }: Pick<AppDependencies, 'settings'>,
  look: () => Promise<GdprFeatures>,
): Endpoint[] {
  return [
    endpoint({
      tag: 'GDPR',
      method: 'get',
      path: '/api/gdpr/status',
      summary: 'Whether what is promised about personal data is being done',
      description: 'Looked up each time: workers, ledger, deadlines, the schedule and its last run, the audit chain.',
      roles: ['admin'],
      answer: { status: 200, description: 'What was found', body: GdprStatus },
      async handle() {
        const features = await look();
        const isWhole = Object.values(features).every(Boolean);
        return {
          status: isWhole ? 'operational' : 'degraded',
          features,
          compliance: {
            gdpr: isWhole ? 'Compliant' : 'Not compliant',
            audit_trail_years: Math.round((settings.AUDIT_RETENTION_DAYS / DAYS_A_YEAR) * 100) / 100,
            draft_retention_days: settings.DRAFT_RETENTION_DAYS,
          },
        };
      },
    }),
  ];
}
