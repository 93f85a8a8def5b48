/**
 * Workflows and database steps on `processes`; a queue for each external service, where one lane works; what needs the host's
 * tools on `ops`; deployments and rollbacks on `releases`, whose workers no release brings along.
 */
export const TASK_QUEUES = {
  processes: 'processes',
  email: 'email',
  hubspot: 'hubspot',
  ops: 'ops',
  releases: 'releases',
} as const;
