// Says in words why something is stuck, for people who do not know the codes.

const SERVICES: Record<string, string> = {
  email: 'The mail server',
  hubspot: 'HubSpot',
  file_store: 'The store under FILES_URL',
  backup_store: 'The store under BACKUP_URL',
  postgresql: 'PostgreSQL',
  redis: 'Redis',
  temporal: 'Temporal',
  mailbox: 'The local mailbox',
};

/** What a service does, by the code of the failure. */
const TROUBLES: Record<string, string> = {
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'breaks off connections',
  ENOTFOUND: 'has a host name that nobody knows',
  EAI_AGAIN: 'has a host name that cannot be looked up',
  ETIMEDOUT: 'does not answer in time',
  EPROTOCOL: 'answers with something that is not its protocol',
  EENVELOPE: 'answers with something that is not its protocol',
  ENOSPC: 'has no space left',
  EACCES: 'may not be written',
  hubspot_away: 'does not answer',
  hubspot_rate_limited: 'says that it is asked too often',
  hubspot_unauthorised: 'refuses the token: renew HUBSPOT_ACCESS_TOKEN',
  hubspot_still_listed: 'still lists a contact that was deleted',
  store_away: 'does not answer',
  credentials_refused: 'refuses the credentials: renew AWS_* and restart the worker',
  store_untrusted: 'has a certificate that is not trusted: see AWS_CA_BUNDLE',
  smtp_421: 'is not available, it says',
  smtp_535: 'refuses the user or the password in SMTP_URL',
  AccessDenied: 'refuses the credentials',
  InvalidAccessKeyId: 'refuses the credentials',
};

/** Codes that are no service's. */
const OURS: Record<string, string> = {
  attempt_lost: 'An attempt gave no more sign of life: its worker was killed, or it took too long',
  not_told: 'Temporal has not taken the message that starts or continues it',
  not_released: 'It is approved, and its workflow has not released it: no worker runs it, or somebody ended it',
  over_budget: 'It has been running longer than such a process should',
  deadline_near: 'Its legal deadline is near',
  gave_up: 'The recipient’s server refused it too often',
  file_store_away: 'Its attachments cannot be read from the store under FILES_URL',
};

export function describeCause(service: string, code: string): string {
  const ours = OURS[code];
  if (ours) return `${ours}.`;
  const name = SERVICES[service];
  if (!name) return `It fails with ${code}; the log of the worker says where.`;
  const trouble = TROUBLES[code];
  return trouble ? `${name} ${trouble}.` : `${name} fails with ${code}.`;
}

export const describeService = (service: string): string => SERVICES[service] ?? service;
