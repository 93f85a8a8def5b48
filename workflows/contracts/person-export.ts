// The export of everything held about one person: its id, and what may be said to it. Ids and codes only.
import { defineQuery, defineSignal } from '@temporalio/workflow';

export const EXPORT_STATUSES = ['pending', 'ready', 'failed', 'expired', 'erased'] as const;
export type ExportStatus = (typeof EXPORT_STATUSES)[number];

export interface PersonExportState {
  generation: number;
  version: number;
  status: ExportStatus;
}

export interface PersonExportInput {
  exportId: string;
}

export interface FailedExport {
  exportId: string;
  code: string;
}

export const personExportId = (exportId: string) => `export-${exportId}`;

/** What the outbox starts a run with. It reads its row, so it needs to hear no more. */
export const changed = defineSignal<[PersonExportState]>('changed');
/** Null until the run has read its row. */
export const state = defineQuery<PersonExportState | null>('state');
