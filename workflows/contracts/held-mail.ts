// Names each reason for which the database holds all mail, explains it, and gives the command that ends it.

/** The database lost commits that are known elsewhere. */
const REWOUND = {
  behind_journal: 'the send journal knows of mails that this database has not claimed',
  behind_audit_anchors: 'the audit anchors under BACKUP_URL know of events that are not in this database',
  other_audit_trail: 'the audit anchors under BACKUP_URL speak of other events than this database',
  behind_erasure_ledger: 'the erasure ledger knows of an erasure that this database has never heard of',
  earlier_life: 'a later restore or adoption of this database is on record under BACKUP_URL',
  forgot_event: 'an event that had been committed is not in this database',
  forgot_open: 'this database does not know of a mail that a worker has begun to send',
} as const;
/** The database lost nothing that is known, but its neighbours are others. */
const MOVED = {
  other_database: 'this is another cluster or database than the one that was used before',
  other_timeline: 'the log goes on on another timeline, and no process has seen it change',
  other_backup_store: 'BACKUP_URL is another store than before',
  other_temporal: 'Temporal is another store than before',
} as const;

export const HELD_CODES = { ...REWOUND, ...MOVED };
export type HeldCode = keyof typeof HELD_CODES;

/** Returns whether the database lost commits. */
export const isRewound = (code: string): boolean => code in REWOUND;

/** Returns the reason in words. A newer build may have written a code that this one does not know: then the code itself. */
export const whyHeld = (code: string): string => HELD_CODES[code as HeldCode] ?? code;

/** Returns the next command. */
export const wayOut = (code: string): string =>
  isRewound(code)
    ? 'ops/restore.sh --adopt, or --adopt --clone if it is a copy and the other one goes on'
    : 'ops/restore.sh --adopt --moved, or --adopt --clone if the one it was copied from goes on';
