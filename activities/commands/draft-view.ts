// A draft as people and programs see it (docs/draft-approval.md); times are ISO 8601 UTC.
import type { DraftStatus } from '../../workflows/contracts/draft-approval';

export interface AttachmentView {
  id: string;
  name: string;
  type: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

export interface DecisionView {
  outcome: 'auto_approve' | 'require' | 'reject';
  policyVersion: number;
  reasons: string[];
  /** How many approvals are needed. */
  required: number;
  approvals: { by: string; at: string; revision: number; comment: string | null }[];
}

export interface DraftView {
  id: string;
  status: DraftStatus;
  revision: number;
  author: string;
  to: string | null;
  replyTo: string | null;
  subject: string | null;
  body: string | null;
  html: string | null;
  attachments: AttachmentView[];
  campaign: string | null;
  confidence: number | null;
  metadata: Record<string, unknown> | null;
  decision: DecisionView;
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
  sendAt: string | null;
  dueAt: string | null;
  sentAt: string | null;
  messageId: string | null;
  outcome: 'delivered' | 'refused' | 'suppressed' | 'unknown' | null;
  failure: { code: string; message: string } | null;
  workflowId: string | null;
}

/** A draft in a list: without what may be large. */
export type ListedDraft = Omit<DraftView, 'body' | 'html' | 'metadata'>;

export type DraftOutline = Omit<DraftView, 'subject' | 'body' | 'html'>;

export interface EventView {
  id: string;
  type: string;
  at: string;
  by: string | null;
  revision: number | null;
  data: Record<string, unknown>;
}
