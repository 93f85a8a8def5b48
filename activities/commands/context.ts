// Who commands, and with what.

import type { Configuration } from '../../ops/runtime/configuration';
import type { Database } from '../../prisma/client';

export const ROLES = ['author', 'approver', 'admin', 'ops'] as const;
export type Role = (typeof ROLES)[number];

export interface Actor {
  /** The principal's id: what the audit trail knows of a person. */
  id: string;
  name: string;
  roles: readonly Role[];
}

export interface CommandContext {
  actor: Actor;
  requestId: string;
}

/** Two principals that the first migration writes: the holder of ADMIN_PASSWORD, and Countersign itself. */
export const BOOTSTRAP_ADMIN: Actor = {
  id: '00000000-0000-7000-8000-000000000001',
  name: 'countersign:admin',
  roles: ['admin'],
};
export const SYSTEM: Actor = { id: '00000000-0000-7000-8000-000000000002', name: 'countersign:system', roles: [] };

/** What has been committed and others should hear of at once. Nothing is lost where nobody listens. */
export interface Announcement {
  /** A message lies in the outbox. */
  told?: boolean;
  /** A mail is due now: wake the lane. */
  mailDue?: boolean;
  /** The id of the audit event. */
  event?: string;
}

export interface CommandDependencies {
  db: Database;
  announce(announcement: Announcement): void;
  settings: Pick<
    Configuration,
    'UNDO_WINDOW_SECONDS' | 'APPROVAL_DEADLINE_HOURS' | 'MAIL_FROM' | 'SECRET_KEY' | 'ATTACHMENT_QUOTA_MB'
  >;
}
