// The erasure of one person: its id, and what may be said to it. Ids, times and codes only.
import { defineQuery, defineSignal } from '@temporalio/workflow';

export const ERASURE_STATUSES = [
  'waiting',
  'erasing',
  'scanning',
  'certified',
  'cancelled',
  'suspended',
  'failed',
] as const;
export type ErasureStatus = (typeof ERASURE_STATUSES)[number];

/** The whole small state of an erasure; the highest (generation, version) wins. Times ISO 8601. */
export interface ErasureState {
  generation: number;
  version: number;
  status: ErasureStatus;
  /** It begins then by itself, or once it is confirmed. */
  graceUntil: string;
  confirmed: boolean;
  /** Whether it is known what each store holds. Older messages don't say: their requests were made with a preview. */
  previewed?: boolean;
  /** When the law wants it done. */
  deadline: string;
}

/** What is gone through before the scan, in this order; journalled by these names. */
export const ERASURE_STEPS = [
  'close_drafts',
  'await_sends',
  'postgres',
  'attachments',
  'redis',
  'hubspot',
  'mailbox',
  'temporal',
] as const;
export type ErasureStepName = (typeof ERASURE_STEPS)[number];

export interface ErasureStep {
  requestId: string;
  step: ErasureStepName;
}

/** What a scan looked at, and how often it found something. */
export interface ScanSummary {
  needles: number;
  sources: { source: string; items: number; bytes: number; findings: number }[];
  /** Findings in content that was written after the last purge began: purged since, by the index of mentions. */
  late?: number;
  /** The reading of all stores, and how many erasures it was for; times ISO 8601. */
  pass?: { erasures: number; startedAt: string; finishedAt: string };
}

export interface Certification {
  requestId: string;
  scan: ScanSummary;
}

export interface UserErasureInput {
  requestId: string;
}

export const userErasureId = (requestId: string) => `erasure-${requestId}`;

export const changed = defineSignal<[ErasureState]>('changed');
/** Null until the run has read its row. */
export const state = defineQuery<ErasureState | null>('state');

export const hasEnded = ({ status }: Pick<ErasureState, 'status'>) =>
  status === 'certified' || status === 'cancelled' || status === 'failed';
