// An erasure as those see it who ask for it and answer for it.
import type { Database, Prisma } from '../../prisma/client';
import { type ErasureStatus, type ErasureStepName, userErasureId } from '../../workflows/contracts/user-erasure';
import type { ErasureRecord, PreviewEntry } from './erasure-record';

export interface StepView {
  step: ErasureStepName;
  startedAt: string;
  finishedAt: string | null;
  erased: number;
  anonymised: number;
  withheld: number;
}

export interface ErasureView {
  requestId: string;
  workflowId: string;
  status: ErasureStatus;
  /** Null until the process has asked the stores. */
  preview: PreviewEntry[] | null;
  requestedAt: string;
  graceUntil: string;
  confirmedAt: string | null;
  begunAt: string | null;
  deadline: string;
  extension: { until: string; reason: string } | null;
  steps: StepView[];
  /** Large stores are scanned at most each SCAN_INTERVAL: when the next scan may begin; null where none is waited for. */
  nextScanAt: string | null;
  endedAt: string | null;
  failure: string | null;
}

export function toView(
  record: Omit<ErasureRecord, 'generation' | 'subjectHashes' | 'sealed' | 'now'>,
  steps: StepView[],
): ErasureView {
  const { extendedUntil, extensionReason } = record;
  return {
    requestId: record.id,
    workflowId: userErasureId(record.id),
    status: record.status,
    preview: record.preview,
    requestedAt: record.requestedAt.toISOString(),
    graceUntil: record.graceUntil.toISOString(),
    confirmedAt: record.confirmedAt?.toISOString() ?? null,
    begunAt: record.begunAt?.toISOString() ?? null,
    deadline: record.deadlineAt.toISOString(),
    extension: extendedUntil && { until: extendedUntil.toISOString(), reason: extensionReason ?? '' },
    steps,
    nextScanAt: record.status === 'scanning' ? (record.nextScanAt?.toISOString() ?? null) : null,
    endedAt: record.endedAt?.toISOString() ?? null,
    failure: record.failureCode,
  };
}

const BY_START = { startedAt: 'asc' } as const;

export async function readSteps(db: Database, erasureId: string): Promise<StepView[]> {
  return (await db.erasureStep.findMany({ where: { erasureId }, orderBy: BY_START })).map(toStepView);
}

const toStepView = ({ erasureId: _, ...step }: Prisma.ErasureStepModel): StepView => ({
  ...step,
  step: step.step as ErasureStepName,
  startedAt: step.startedAt.toISOString(),
  finishedAt: step.finishedAt?.toISOString() ?? null,
});

/** With their steps, for those who look. */
export async function readViews(
  db: Database,
  which: Pick<Prisma.ErasureFindManyArgs, 'where' | 'orderBy' | 'take'>,
): Promise<ErasureView[]> {
  const omit = { certificate: true, sealed: true, scan: true };
  const rows = await db.erasure.findMany({ ...which, omit, include: { steps: { orderBy: BY_START } } });
  return rows.map(({ steps, status, preview, ...row }) =>
    toView(
      { ...row, status: status as ErasureStatus, preview: preview as unknown as PreviewEntry[] | null },
      steps.map(toStepView),
    ),
  );
}
