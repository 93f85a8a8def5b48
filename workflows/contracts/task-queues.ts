/** Workflows and database steps on `processes`; a queue for each external service, where one lane works. */
export const TASK_QUEUES = { processes: 'processes', email: 'email', hubspot: 'hubspot', ops: 'ops' } as const;
