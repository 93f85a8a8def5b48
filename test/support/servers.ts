// Where this run's own servers are; global-setup.ts starts them and hands the addresses to the test processes.

export interface TestServers {
  /** Holds everything this run writes; removed at its end. */
  folder: string;
  /** A superuser's URL without a database name. */
  postgres: string;
  /** Migrated once; each test file gets a copy. */
  template: string;
  redis: string;
  /** host:port */
  temporal: string;
}

const VARIABLE = 'COUNTERSIGN_TEST_SERVERS';

export function announceServers(servers: TestServers): void {
  process.env[VARIABLE] = JSON.stringify(servers);
}

export function testServers(): TestServers {
  const announced = process.env[VARIABLE];
  if (!announced)
    throw new Error('No test servers: run the tests with `npm test`, or with jest and this configuration');
  return JSON.parse(announced);
}

/** Long proofs run a sample in `npm test` and everything in `npm run test:long`. */
export const isLongRun = process.env.COUNTERSIGN_TEST_LONG === '1';

/** A proof that only `npm run test:long` holds; whole files of them are called `.long.test.ts`. */
export function inLongRuns(name: string, proof: () => Promise<unknown>): void {
  if (isLongRun) test(name, proof);
}
