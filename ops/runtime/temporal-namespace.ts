// What Countersign needs in its namespace: a retention long enough that a late message still finds the process closed,
// and the search attributes. Where the server forbids the change (Temporal Cloud), an operator makes it.
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes';

export const RETENTION_DAYS = 30;
const DAY_SECONDS = 86_400;
/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const KEYWORD = 2;

export async function ensureNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await ensureNamespaceOn(connection, namespace);
  } finally {
    await connection.close();
  }
}

type Services = Pick<Connection, 'workflowService' | 'operatorService'>;

export async function ensureNamespaceOn(connection: Services, namespace: string): Promise<void> {
  await ensureRetention(connection, namespace);
  const missing = await findMissingAttributes(connection, namespace);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
  });
}

/** Returns the names of the search attributes that the namespace lacks. */
export async function findMissingAttributes(
  { operatorService }: Pick<Services, 'operatorService'>,
  namespace: string,
): Promise<string[]> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return SEARCH_ATTRIBUTES.map(({ name }) => name).filter((name) => !(name in (customAttributes ?? {})));
}

/** Returns for how many days the namespace keeps workflows that have ended. */
export async function readRetentionDays(
  { workflowService }: Pick<Services, 'workflowService'>,
  namespace: string,
): Promise<number> {
  const { config } = await workflowService.describeNamespace({ namespace });
  return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_SECONDS;
}

async function ensureRetention({ workflowService }: Services, namespace: string): Promise<void> {
  if ((await readRetentionDays({ workflowService }, namespace)) >= RETENTION_DAYS) return;
  const workflowExecutionRetentionTtl = msToTs(RETENTION_DAYS * DAY_SECONDS * 1000);
  await workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
}
