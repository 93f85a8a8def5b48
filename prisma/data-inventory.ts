// What is held about whom, where, for how long, and what an erasure does with it: every column, and every other store.
// `npm run check:pii` holds it to prisma/schema.prisma and .env.example, and docs/data-inventory.md is made of it.

/** `pseudonymous`: ids and keyed hashes of people; `personal`: addresses and names; `content`: what somebody wrote. */
export type DataClass = 'none' | 'pseudonymous' | 'personal' | 'content';

export interface Treatment {
  kept: string;
  /** What the erasure of a person does with it. */
  erasure: string;
}

export interface Columns extends Treatment {
  class: DataClass;
  /** As the schema names them, with spaces between. */
  fields: string;
}

export interface Store extends Treatment {
  name: string;
  class: DataClass;
  holds: string;
  /** The settings that say where it is; empty for what lies on the machine itself. */
  settings: string[];
}

const always = 'As long as the installation';
const STAYS = 'Stays: it says nothing about a recipient';
const MENTION = 'Stays; a mention of the person becomes `[erased]`';
const STATISTICS = { kept: 'For ever, for the statistics', erasure: STAYS };
const UNTIL_IT_WORKS = 'Until the step has succeeded or its process has ended';
const OPERATION = { kept: always, erasure: STAYS };
const DRAFT_CONTENT = {
  kept: 'DRAFT_RETENTION_DAYS from the creation of a draft in a final state; an open one until its deadline has made it final',
  erasure: "Removed with the person's drafts; a mention in somebody else's becomes `[erased]`",
};
const AUDIT = { kept: 'AUDIT_RETENTION_DAYS', erasure: 'Stays: ids and codes only' };
const MEMBER = {
  kept: 'As long as drafts or events name the principal',
  erasure: 'The person becomes a random pseudonym without address; the row and its id stay',
};
const KEY = { kept: 'As long as its principal', erasure: "The person's keys end; their rows stay" };
const SESSION = {
  kept: 'Twelve hours, or until the logout or the end of its key; then the next night',
  erasure: "The person's are removed",
};
const ATTACHMENT = {
  kept: 'As long as a draft names it, and a day; then the hourly sweep takes it',
  erasure: "Removed with the person's drafts, unless a draft of somebody else names it",
};
const MESSAGE = { kept: 'Until it is delivered to its process', erasure: 'Stays: ids and codes only' };
const SUPPRESSION = { kept: 'Until an admin lifts it', erasure: STAYS };
const CERTIFICATE = { kept: 'For ever: it proves the erasure', erasure: 'Stays: ids, hashes and counts only' };
const EXPORT = {
  kept: 'A year after the request',
  erasure: 'Stays, as `erased`: ids, times and counts only',
};
const EXPORTED = {
  kept: 'Until the export expires (24 hours after it is ready), fails, or the person is erased',
  erasure: 'Removed with the exports of the person, and with those that mention them',
};
const HOLD = { kept: 'For ever: it proves why something was kept', erasure: MENTION };
const RUN = { kept: 'A year after its end', erasure: STAYS };

const COUNTED = { kept: 'Until a worker has written the audit event, usually for a minute', erasure: STAYS };
const DUE = { kept: 'Until a worker has seen to it, usually for a second', erasure: 'Removed before it is certified' };

/** By model. */
export const COLUMNS: Record<string, Columns[]> = {
  Instance: [
    {
      class: 'none',
      fields:
        'id generation ledgerPosition restoreId temporalNamespaceId backupStoreId databaseId timeline heldCode heldAt',
      ...OPERATION,
    },
  ],
  Principal: [
    { class: 'personal', fields: 'name email', ...MEMBER },
    { class: 'pseudonymous', fields: 'id look', ...MEMBER },
    { class: 'none', fields: 'createdAt', ...MEMBER },
  ],
  RefusalCount: [
    { class: 'pseudonymous', fields: 'actorId', ...COUNTED },
    { class: 'none', fields: 'minute type code route count', ...COUNTED },
  ],
  ApiKey: [
    { class: 'pseudonymous', fields: 'id principalId hash', ...KEY },
    { class: 'content', fields: 'groups', kept: KEY.kept, erasure: MENTION },
    { class: 'none', fields: 'roles createdAt endedAt', ...KEY },
  ],
  Session: [
    { class: 'pseudonymous', fields: 'hash keyId', ...SESSION },
    { class: 'none', fields: 'createdAt expiresAt', ...SESSION },
  ],
  Draft: [
    { class: 'personal', fields: 'to replyTo', ...DRAFT_CONTENT },
    { class: 'content', fields: 'metadata', ...DRAFT_CONTENT },
    {
      class: 'content',
      fields: 'idempotencyKey',
      kept: DRAFT_CONTENT.kept,
      erasure: "Removed with the person's drafts, and from somebody else's where it mentions the person",
    },
    { class: 'pseudonymous', fields: 'recipientHashes requestHash messageId', ...DRAFT_CONTENT },
    { class: 'pseudonymous', fields: 'id authorId', ...STATISTICS },
    {
      class: 'none',
      fields:
        'status revision version confidence createdAt updatedAt expiresAt dueAt sentAt outcome failureCode needsPeople attempts finalStatus traceparent',
      ...STATISTICS,
    },
    { class: 'content', fields: 'campaign decision', kept: STATISTICS.kept, erasure: MENTION },
    { class: 'none', fields: 'claimOwner nextAttemptAt', kept: 'Until the mail is sent', erasure: 'Removed' },
  ],
  CrmSync: [
    {
      class: 'pseudonymous',
      fields: 'draftId hubspotId',
      kept: DRAFT_CONTENT.kept,
      erasure: "Removed with the person's drafts; from the accepted erasure on nothing more is logged",
    },
    {
      class: 'none',
      fields: 'generation status attempts nextAttemptAt claimOwner maybeLogged stale failureCode createdAt loggedAt',
      kept: DRAFT_CONTENT.kept,
      erasure: "Removed with the person's drafts",
    },
  ],
  Revision: [
    { class: 'content', fields: 'subject body html', ...DRAFT_CONTENT },
    { class: 'pseudonymous', fields: 'draftId editorId contentHash', ...DRAFT_CONTENT },
    { class: 'none', fields: 'revision sendAt createdAt', ...DRAFT_CONTENT },
  ],
  Note: [
    { class: 'content', fields: 'text', ...DRAFT_CONTENT },
    { class: 'pseudonymous', fields: 'id draftId', ...DRAFT_CONTENT },
  ],
  Verdict: [
    { class: 'content', fields: 'comment', ...DRAFT_CONTENT },
    { class: 'pseudonymous', fields: 'id draftId principalId', ...STATISTICS },
    { class: 'none', fields: 'revision verdict at dismissedAt', ...STATISTICS },
  ],
  Attachment: [
    { class: 'content', fields: 'name', ...ATTACHMENT },
    { class: 'pseudonymous', fields: 'id uploaderId sha256', ...ATTACHMENT },
    { class: 'none', fields: 'type size createdAt', ...ATTACHMENT },
  ],
  DraftAttachment: [
    { class: 'pseudonymous', fields: 'draftId attachmentId', ...DRAFT_CONTENT },
    { class: 'none', fields: 'position', ...DRAFT_CONTENT },
  ],
  Policy: [
    {
      class: 'pseudonymous',
      fields: 'document authorId',
      kept: always,
      erasure: MENTION,
    },
    { class: 'none', fields: 'version createdAt', ...OPERATION },
  ],
  AuditEvent: [
    { class: 'pseudonymous', fields: 'id actorId subjectId', ...AUDIT },
    { class: 'none', fields: 'position type at subject revision requestId data', ...AUDIT },
  ],
  OperatorNote: [
    { class: 'content', fields: 'text', kept: AUDIT.kept, erasure: MENTION },
    { class: 'pseudonymous', fields: 'id', kept: AUDIT.kept, erasure: STAYS },
    { class: 'none', fields: 'service createdAt', kept: AUDIT.kept, erasure: STAYS },
  ],
  AuditSeal: [
    { class: 'pseudonymous', fields: 'eventId', ...AUDIT },
    { class: 'none', fields: 'position prev hash', ...AUDIT },
  ],
  AuditCheckpoint: [
    { class: 'none', fields: 'position hash events at signature reason', kept: always, erasure: STAYS },
  ],
  AuditProgress: [{ class: 'none', fields: 'id settled anchored anchoredAt', ...OPERATION }],
  OutboxMessage: [
    { class: 'pseudonymous', fields: 'entityId', ...MESSAGE },
    { class: 'none', fields: 'process generation version message createdAt nextTry attempts traceparent', ...MESSAGE },
  ],
  Lane: [
    {
      class: 'none',
      fields:
        'name owner held journalRun failingSince failures lastError since sent claims server enabled nextAttemptAt pausedAt',
      ...OPERATION,
    },
    { class: 'pseudonymous', fields: 'pausedBy pausedNote', kept: 'Until it is resumed', erasure: STAYS },
  ],
  Release: [
    {
      class: 'none',
      fields: 'version commit buildId bundleHash lastMigration state registeredAt currentSince',
      ...OPERATION,
    },
    { class: 'pseudonymous', fields: 'registeredBy', ...OPERATION },
  ],
  FailingStep: [
    { class: 'pseudonymous', fields: 'workflowId', kept: UNTIL_IT_WORKS, erasure: STAYS },
    {
      class: 'none',
      fields: 'step process service code isLocal since attempts isRunning nextAttemptAt givesUpAt checkedAt',
      kept: UNTIL_IT_WORKS,
      erasure: STAYS,
    },
  ],
  Suppression: [
    {
      class: 'personal',
      fields: 'email',
      kept: SUPPRESSION.kept,
      erasure: 'Removed; the keyed hash stays, so that no mail goes out',
    },
    { class: 'content', fields: 'reason', kept: SUPPRESSION.kept, erasure: MENTION },
    { class: 'pseudonymous', fields: 'id erasureId createdBy', ...SUPPRESSION },
    { class: 'none', fields: 'kind createdAt', ...SUPPRESSION },
  ],
  SuppressedHash: [
    {
      class: 'pseudonymous',
      fields: 'hash suppressionId',
      kept: SUPPRESSION.kept,
      erasure: 'Stays: what keeps the person unwritten to',
    },
  ],
  Erasure: [
    { class: 'personal', fields: 'sealed', kept: 'Encrypted, until the erasure ends', erasure: 'Removed at its end' },
    { class: 'pseudonymous', fields: 'id subjectHashes activeHash requestedBy', ...CERTIFICATE },
    {
      class: 'content',
      fields: 'extensionReason',
      kept: CERTIFICATE.kept,
      erasure: MENTION,
    },
    {
      class: 'none',
      fields:
        'status version requestedAt graceUntil confirmedAt begunAt deadlineAt extendedUntil preview certificate scan nextScanAt purgeFrom failureCode endedAt',
      ...CERTIFICATE,
    },
  ],
  ErasureStep: [
    { class: 'pseudonymous', fields: 'erasureId', ...CERTIFICATE },
    { class: 'none', fields: 'step startedAt finishedAt erased anonymised withheld', ...CERTIFICATE },
  ],
  PersonExport: [
    {
      class: 'personal',
      fields: 'sealed',
      kept: 'Encrypted. The address: until the document is ready. The key of the document: as long as that',
      erasure: EXPORTED.erasure,
    },
    { class: 'pseudonymous', fields: 'subjectHashes', ...EXPORTED },
    { class: 'pseudonymous', fields: 'id requestedBy', ...EXPORT },
    { class: 'none', fields: 'version status createdAt expiresAt object size items failureCode', ...EXPORT },
  ],
  LegalHold: [
    { class: 'content', fields: 'reason', ...HOLD },
    { class: 'pseudonymous', fields: 'id draftId subjectHashes createdBy', ...HOLD },
    { class: 'none', fields: 'until createdAt releasedAt', ...HOLD },
  ],
  Mention: [
    {
      class: 'pseudonymous',
      fields: 'hash place rowId part position',
      kept: 'As long as the text mentions the address',
      erasure: 'Removed with the mention',
    },
  ],
  MentionDue: [{ class: 'pseudonymous', fields: 'position place rowId part', ...DUE }],
  MentionKey: [{ class: 'none', fields: 'id', ...OPERATION }],
  RemovedFile: [{ class: 'pseudonymous', fields: 'position sha256', ...DUE }],
  ScanPass: [{ class: 'none', fields: 'id erasures bytes startedAt finishedAt', ...RUN }],
  ScanDecoy: [
    {
      class: 'none',
      fields: 'id words document raw',
      kept: 'For the length of a scan',
      erasure: 'Stays: it is nobody',
    },
  ],
  Cleanup: [
    { class: 'pseudonymous', fields: 'id requestedBy cursorId', ...RUN },
    {
      class: 'none',
      fields: 'process status version active before removed held cursorAt startedAt updatedAt finishedAt reason',
      ...RUN,
    },
  ],
};

/** What is not a column. */
export const STORES: Store[] = [
  {
    name: 'PostgreSQL beside its tables',
    class: 'content',
    holds: 'Dead rows, write-ahead log, the archive of it',
    settings: ['DATABASE_URL'],
    kept: 'Dead rows until the next vacuum; archived log as long as the backups that need it',
    erasure: 'Dead rows and archived log age out; the erasure ledger guards every restore',
  },
  {
    name: 'Attachments',
    class: 'content',
    holds: 'Uploaded files, under their SHA-256',
    settings: ['FILES_URL'],
    kept: ATTACHMENT.kept,
    erasure: `${ATTACHMENT.erasure}; in all versions`,
  },
  {
    name: 'Exports',
    class: 'content',
    holds: 'Everything held about a person who asked for it, encrypted with a key of its own that its row keeps sealed',
    settings: ['FILES_URL'],
    kept: 'Until 24 hours after it is ready; then the hourly sweep takes it. No backup holds it',
    erasure: `${EXPORTED.erasure}: the key is forgotten first, then the object goes, in all versions`,
  },
  {
    name: 'Redis',
    class: 'pseudonymous',
    holds: 'Counters of the limits, under keyed hashes of clients',
    settings: ['REDIS_URL'],
    kept: 'A minute',
    erasure:
      'No address is written there; keys that mention the person would go, and the append-only file is rewritten',
  },
  {
    name: 'Temporal histories and visibility',
    class: 'pseudonymous',
    holds: 'Ids and codes',
    settings: ['TEMPORAL_ADDRESS'],
    kept: 'The retention of the namespace: 30 days after the end of a workflow',
    erasure:
      "No address and no word is written there; the executions of the person's drafts are deleted, and the rest is scanned",
  },
  {
    name: 'Mail server, local mailbox',
    class: 'content',
    holds: 'What was sent. The mailbox of `npm start` keeps it under `.countersign/mail/`; a real server is not ours',
    settings: ['SMTP_URL'],
    kept: 'The local mailbox: until it is erased',
    erasure: "The local mailbox: the person's mails are deleted. What a recipient's server has is theirs",
  },
  {
    name: 'HubSpot',
    class: 'personal',
    holds: 'The contact, and the mails that were logged on it',
    settings: ['HUBSPOT_BASE_URL'],
    kept: "By HubSpot's own settings",
    erasure: "Deleted for good through HubSpot's GDPR delete",
  },
  {
    name: 'Error reports and traces',
    class: 'pseudonymous',
    holds:
      'Names of errors, places in the code, ids of requests, principals, workflows and drafts; made anew of what cannot hold personal data',
    settings: ['SENTRY_DSN'],
    kept: "By the receiver's own settings",
    erasure: 'Nothing to do: ids name nobody once the rows that they belong to are erased',
  },
  {
    name: 'Logs',
    class: 'none',
    holds: 'Ids, codes and routes; no address, no word, no address in a URL',
    settings: [],
    kept: 'By whoever collects them; under `npm start` in `.countersign/logs/`',
    erasure: 'Nothing to do; scanned all the same',
  },
  {
    name: 'Metrics',
    class: 'none',
    holds: 'Numbers by route, status and service',
    settings: [],
    kept: 'By whoever collects them',
    erasure: 'Nothing to do',
  },
  {
    name: 'Backups',
    class: 'content',
    holds:
      'The database, Redis, attachments, the local mailbox and the configuration without secrets, encrypted; ids, hashes and counts of them',
    settings: ['BACKUP_URL'],
    kept: 'BACKUP_RETENTION_DAYS; the newest two full sets, and the newest of each part, until newer ones replace them',
    erasure:
      'Ages out; the certificate says what can be promised about the last day, and every restore carries out the erasure ledger',
  },
  {
    name: 'A database that a restore replaced',
    class: 'content',
    holds: 'The whole database as it was at the switch, in a folder below POSTGRES_HOME, kept for an undo',
    settings: [],
    kept: 'UNDO_RETENTION_DAYS after the switch and up to two days more; longer while nobody has settled what the restore lost',
    erasure: 'Ages out; the certificate names it and says until when, and an undo carries out the erasure ledger',
  },
  {
    name: 'The home of a drill',
    class: 'content',
    holds: 'What a drill restores: the database, attachments and mailbox of a set, in a folder below POSTGRES_HOME',
    settings: [],
    kept: 'Until the drill ends, usually minutes; one that was terminated leaves it until the next day',
    erasure: 'Goes with the drill, which carries out the erasure ledger there; no erasure runs meanwhile',
  },
  {
    name: 'Records of restores',
    class: 'pseudonymous',
    holds:
      '`restores/`: what was restored to when, folder names, ids and states of drafts and erasures that a restore lost',
    settings: ['BACKUP_URL'],
    kept: always,
    erasure: 'Stays: ids and codes only; scanned all the same',
  },
  {
    name: 'Records of adoptions',
    class: 'pseudonymous',
    holds:
      '`adoptions/`: when and why a database that had lost commits was adopted, ids and states of drafts and erasures that it lost',
    settings: ['BACKUP_URL'],
    kept: always,
    erasure: 'Stays: ids and codes only; scanned all the same',
  },
  {
    name: 'Identity of the store',
    class: 'none',
    holds: '`store.json`: an id that says which store it is',
    settings: ['BACKUP_URL'],
    kept: always,
    erasure: 'Stays; scanned all the same',
  },
  {
    name: 'State of archiving',
    class: 'none',
    holds: '`archiving/`: a state, a code, the name of a segment, a time',
    settings: ['BACKUP_URL'],
    kept: 'Until the next one, a minute later',
    erasure: 'Stays; scanned all the same',
  },
  {
    name: 'Reports of restore drills',
    class: 'none',
    holds: '`drills/`: outcomes, times, counts, names of sets and segments',
    settings: ['BACKUP_URL'],
    kept: 'As long as the sets that they restored; the newest, and the newest that proved a restore, stay',
    erasure: 'Stays; scanned all the same',
  },
  {
    name: 'Restore points',
    class: 'pseudonymous',
    holds:
      '`restore-points/`: ids of erasures and of runs of retention, when they began to remove, where the log was then',
    settings: ['BACKUP_URL'],
    kept: 'As long as a backup that is older',
    erasure: 'Stays: ids only',
  },
  {
    name: 'Send journal',
    class: 'pseudonymous',
    holds: '`journal/`: ids of drafts whose send was claimed',
    settings: ['BACKUP_URL'],
    kept: 'Each backup removes a run once every state that the database may go back to (a backup, a database kept for an undo, a restore that is not settled) is more than a day younger; the newest such run stays. Without backups: for ever',
    erasure: 'Stays: ids only; scanned all the same',
  },
  {
    name: 'Erasure ledger',
    class: 'pseudonymous',
    holds: '`erasure-ledger/`: keyed hashes of the erased, ids of erasures',
    settings: ['BACKUP_URL'],
    kept: 'As long as a backup that is older, and then as long as the installation',
    erasure: 'Stays: what keeps a restore from bringing the person back',
  },
  {
    name: 'Audit anchors',
    class: 'none',
    holds: '`audit/`: positions and hashes of the audit chain',
    settings: ['BACKUP_URL'],
    kept: 'As long as the events that they prove',
    erasure: 'Stays',
  },
];

/** Settings that are addresses of Countersign's own pages, and lead to no store. */
export const LINKS = ['PUBLIC_URL', 'TEMPORAL_UI_URL'];
