// What Countersign needs in its namespace: a retention long enough that a late message still finds the process closed,
// and the search attributes. Where the server forbids the change (Temporal Cloud), an operator makes it.
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes';

const RETENTION_SECONDS = 30 * 86_400;
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
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name }) => [name, KEYWORD])),
  });
}

async function ensureRetention({ workflowService }: Services, namespace: string): Promise<void> {
  const { config } = await workflowService.describeNamespace({ namespace });
  const kept = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  if (kept >= RETENTION_SECONDS) return;
  const workflowExecutionRetentionTtl = msToTs(RETENTION_SECONDS * 1000);
  await workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
}
