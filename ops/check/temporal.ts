// Tries Temporal with the settings of the SDK: the connection, the namespace and its search attributes.
import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes';
import { openTemporalClient } from '../runtime/temporal';
import { findMissingAttributes, RETENTION_DAYS, readRetentionDays } from '../runtime/temporal-namespace';
import { pingTemporal, troubleOf } from '../runtime/trouble';
import { type Finding, failed, ok, warning } from './finding';

/** A server far away needs several journeys for TLS alone. */
const ANSWERS_WITHIN_MS = 5_000;
const NOT_FOUND = 5;

/** By the words of `troubleOf`. */
const REMEDIES: Record<string, string> = {
  'credentials refused': 'TEMPORAL_API_KEY is wrong or has expired: set a valid one and restart API and workers',
  'access refused': 'give the API key the right to use the namespace, or set another one; it may have expired',
  'certificate not trusted': 'name the authority of the server in TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  'certificate of another name':
    'correct TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to the name in the certificate',
  'certificate expired': 'renew the certificate of the server',
  'client certificate refused':
    'set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to a certificate that the server accepts',
};
const ANY_REMEDY = 'check TEMPORAL_ADDRESS, TLS and API key, and start Temporal';

export async function checkTemporal(): Promise<Finding[]> {
  const client = openTemporalClient();
  try {
    return await checkWith(client);
  } finally {
    await client.connection.close();
  }
}

async function checkWith(client: Client): Promise<Finding[]> {
  let version: string | null | undefined;
  const trouble = await troubleOf(async () => {
    ({ serverVersion: version } = await pingTemporal(client, ANSWERS_WITHIN_MS));
  }, ANSWERS_WITHIN_MS);
  if (trouble !== null) return [failed('Temporal: connection', trouble, REMEDIES[trouble] ?? ANY_REMEDY)];
  const found = [ok('Temporal: connection', `server ${version}`), await checkNamespace(client)];
  const hasNamespace = found.every(({ status }) => status !== 'failed');
  return hasNamespace ? [...found, await checkAttributes(client)] : found;
}

async function checkNamespace({ connection, options: { namespace } }: Client): Promise<Finding> {
  const check = 'Temporal: namespace';
  let days = 0;
  let isMissing = false;
  const trouble = await troubleOf(async () => {
    try {
      days = await readRetentionDays(connection, namespace);
    } catch (error) {
      isMissing = (error as { code?: unknown }).code === NOT_FOUND;
      throw error;
    }
  }, ANSWERS_WITHIN_MS);
  if (isMissing) {
    const remedy = `temporal operator namespace create --namespace ${namespace} --retention ${RETENTION_DAYS}d`;
    return failed(check, `${namespace} is not there`, remedy);
  }
  if (trouble !== null) return failed(check, `${namespace}: ${trouble}`, REMEDIES[trouble] ?? ANY_REMEDY);
  const found = `${namespace} keeps what has ended for ${days} days`;
  if (days >= RETENTION_DAYS) return ok(check, found);
  const remedy = `temporal operator namespace update --namespace ${namespace} --retention ${RETENTION_DAYS}d`;
  return warning(check, found, remedy);
}

async function checkAttributes({ connection, options: { namespace } }: Client): Promise<Finding> {
  const check = 'Temporal: search attributes';
  let missing: string[] = [];
  const trouble = await troubleOf(async () => {
    missing = await findMissingAttributes(connection, namespace);
  }, ANSWERS_WITHIN_MS);
  if (trouble !== null) {
    const names = SEARCH_ATTRIBUTES.map(({ name }) => name).join(', ');
    return warning(check, `could not be listed: ${trouble}`, `see for yourself that ${names} are there, all Keyword`);
  }
  if (missing.length === 0) return ok(check, 'all are there');
  const names = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
  return warning(
    check,
    `missing: ${missing.join(', ')}`,
    `the worker adds them at its start if it may; else temporal operator search-attribute create --namespace ${namespace} ${names}`,
  );
}
