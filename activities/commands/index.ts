// Every command: one database transaction that checks the rules, changes the state, writes the audit event and
// tells the process. Throws Refusal where a rule says no. The API's routes and the workflows' local activities call them.

import type { DraftState } from '../../workflows/contracts/draft-approval';
import type { Suppression } from '../personal-data/suppress';
import type { CommandContext, CommandDependencies, Role } from './context';
import type { AttachmentView, DraftView } from './draft-view';
import type { ErasureCommands } from './erasures';
import type { ExportCommands } from './exports';
import type { HoldCommands } from './legal-holds';
import type { PolicyDocument } from './policy';
import type { RefusalEntry } from './refusals';
import type { RetentionCommands } from './retention';
import type { ServiceCommands } from './service-acts';

export interface SubmitInput {
  to: string;
  replyTo?: string | undefined;
  subject: string;
  body: string;
  html?: string | undefined;
  attachments?: string[] | undefined;
  campaign?: string | undefined;
  confidence?: number | undefined;
  sendAt?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
  idempotencyKey?: string | undefined;
}

export interface KeyInput {
  name: string;
  email?: string | undefined;
  roles: Role[];
  groups?: string[] | undefined;
}

export interface Commands extends ErasureCommands, ExportCommands, HoldCommands, RetentionCommands, ServiceCommands {
  /** The new draft, or the one that this principal submitted with this idempotency key before. */
  submitDraft(context: CommandContext, input: SubmitInput): Promise<DraftView>;
  /** Approves what the approver has read. Refuses `stale_revision` unless `revision` is current. */
  approveDraft(
    context: CommandContext,
    input: { id: string; revision: number; comment?: string | undefined },
  ): Promise<DraftView>;
  rejectDraft(
    context: CommandContext,
    input: { id: string; revision?: number | undefined; reason: string },
  ): Promise<DraftView>;
  requestChanges(
    context: CommandContext,
    input: { id: string; revision?: number | undefined; comment: string },
  ): Promise<DraftView>;
  /** `undefined` keeps a field; null takes `html` or `sendAt` away. Refuses `stale_revision` unless `revision` is current. */
  reviseDraft(
    context: CommandContext,
    input: {
      id: string;
      revision: number;
      subject?: string | undefined;
      body?: string | undefined;
      html?: string | null | undefined;
      sendAt?: string | null | undefined;
    },
  ): Promise<DraftView>;
  withdrawDraft(context: CommandContext, input: { id: string; reason?: string | undefined }): Promise<DraftView>;
  resolveDraft(
    context: CommandContext,
    input: { id: string; as: 'sent' | 'not_sent'; reason: string },
  ): Promise<DraftView>;
  /** Countersign's own: refused nothing, changes nothing where it does not apply, answers the state after it. Null: gone. */
  expireDraft(id: string): Promise<DraftState | null>;
  releaseDraft(id: string): Promise<DraftState | null>;
  /** `key` is shown this once. */
  createKey(
    context: CommandContext,
    input: KeyInput,
  ): Promise<{ id: string; name: string; roles: Role[]; key: string; createdAt: string }>;
  /** Ends the key and its sessions. */
  endKey(context: CommandContext, id: string): Promise<void>;
  /** `added` false: it was suppressed already, and is as it was. */
  addSuppression(
    context: CommandContext,
    input: { email: string; reason: string },
  ): Promise<{ suppression: Suppression; added: boolean }>;
  /** One, or all of an address. Refuses `erased_person`. */
  removeSuppression(context: CommandContext, which: { id: string } | { email: string }): Promise<void>;
  /** The token comes from a mail; one that is none of ours is refused as `not_found`. */
  unsubscribe(context: Pick<CommandContext, 'requestId'>, token: string): Promise<void>;
  assertUnsubscribeToken(token: string): void;
  /** `read`: refuse unless this is the current version. */
  setPolicy(
    context: CommandContext,
    document: PolicyDocument,
    read?: number,
  ): Promise<{ version: number; document: PolicyDocument }>;
  /** Refuses `quota_exceeded` if the author's files and so many bytes more would take too much room. */
  assertRoom(context: CommandContext, bytes: number): Promise<void>;
  /** The bytes already lie in the file store under `sha256`. Refuses `quota_exceeded`. */
  recordAttachment(context: CommandContext, input: Omit<AttachmentView, 'id'>): Promise<AttachmentView>;
  /** Records an audit event for what changes nothing else: a download. */
  recordEvent(
    context: CommandContext,
    event: { type: string; subject: string; subjectId?: string; data?: Record<string, unknown> },
  ): Promise<void>;
  /** Records a refusal: the first of its kind in a minute as an event, the others in one count. */
  recordRefusal(context: CommandContext, refusal: RefusalEntry): Promise<void>;
}

export type { CommandContext, CommandDependencies };
