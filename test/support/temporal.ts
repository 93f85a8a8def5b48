// A Temporal namespace of its own for each test file, so that lanes of the same id never meet.
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { NativeConnection } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes';
import { testServers } from './servers';
import './quiet-temporal';

export interface TestNamespace {
  namespace: string;
  address: string;
  client: Client;
  /** For workers in the test's own process. */
  nativeConnection(): Promise<NativeConnection>;
  close(): Promise<void>;
}

export async function createTestNamespace(address = testServers().temporal): Promise<TestNamespace> {
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  await addSearchAttributes(connection, namespace);
  const native: NativeConnection[] = [];
  return {
    namespace,
    address,
    client: new Client({ connection, namespace }),
    async nativeConnection() {
      const opened = await NativeConnection.connect({ address });
      native.push(opened);
      return opened;
    },
    async close() {
      for (const opened of native) await opened.close();
      await connection.close();
    },
  };
}

export async function addSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const KEYWORD = 2;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, KEYWORD])),
  });
}
