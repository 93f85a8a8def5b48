// Recognises errors that say that PostgreSQL does not answer, whichever of pool, driver and Prisma threw them.

/** The words of the pool, and of Prisma, if there was no connection in time. */
const NO_CONNECTION = /timeout exceeded when trying to connect|Unable to start a transaction in the given time/;
const AWAY = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'DatabaseDoesNotExist',
  'AuthenticationFailed',
]);
/** Of PostgreSQL: connection lost, no connections, disk or memory left, shut down or starting up, and it may not be written to. */
const AWAY_STATES = /^(08...|53...|57P0[1-5]|25006)$/;
const BROKEN = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017)$/;

export interface DatabaseCodes {
  /** Prisma's, PostgreSQL's or Node's. */
  code: string;
  /** PostgreSQL's, where Prisma hides it. */
  originalCode: string;
  /** Of Prisma's driver adapter. */
  kind: string;
}

/** Returns empty texts for what the error does not say. */
export function codesOf(error: Error): DatabaseCodes {
  const { code = '', meta } = error as Error & {
    code?: unknown;
    meta?: { driverAdapterError?: { cause?: { kind?: string; originalCode?: string } } };
  };
  const { kind = '', originalCode = '' } = meta?.driverAdapterError?.cause ?? {};
  return { code: String(code), originalCode, kind };
}

export const hasNoConnection = ({ message }: Error): boolean => NO_CONNECTION.test(message);

export function isDatabaseAway(error: Error): boolean {
  const { code, originalCode, kind } = codesOf(error);
  const isLost = error.message.startsWith('Connection terminated');
  return AWAY.has(kind) || AWAY_STATES.test(originalCode) || BROKEN.test(code) || isLost;
}
