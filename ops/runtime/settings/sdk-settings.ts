// Checks the settings that the SDKs of Temporal and AWS read by themselves. They report a mistake late, or not at all.
import { isIP, isIPv6 } from 'node:net';
import { pemFault, readFault } from './files';
import { required, webUrl } from './urls';

type Environment = Readonly<Record<string, string | undefined>>;
type Check = (value: string, env: Environment) => string | null;

export const TEMPORAL_CHECKS: Record<string, Check> = {
  TEMPORAL_ADDRESS: (value) => (isHostAndPort(value) ? null : 'must be HOST:PORT, without a scheme'),
  TEMPORAL_NAMESPACE: (value) => (/^[\w.-]{1,1000}$/.test(value) ? null : 'must be letters, digits and . _ -'),
  TEMPORAL_API_KEY: (value, env) => {
    if (!/^[\x21-\x7e]+$/.test(value)) return 'must have no spaces';
    const isOpen = ['false', '0'].includes(env.TEMPORAL_TLS ?? '');
    return isOpen ? 'would be sent unencrypted: remove TEMPORAL_TLS, since a key turns TLS on by itself' : null;
  },
  // The SDK takes every other word for unset, and would go on without TLS.
  TEMPORAL_TLS: (value) => (['true', 'false', '1', '0'].includes(value) ? null : 'must be true or false'),
  TEMPORAL_TLS_SERVER_NAME: (value) => (isHost(value) ? null : 'must be the name of a host'),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: (value) => pemFault(value, 'CERTIFICATE'),
  TEMPORAL_TLS_CLIENT_CERT_PATH: (value, env) =>
    pemFault(value, 'CERTIFICATE') ?? goesWith(env, 'TEMPORAL_TLS_CLIENT_KEY_PATH', 'TEMPORAL_TLS_CLIENT_KEY_DATA'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: (value, env) =>
    pemFault(value, 'PRIVATE KEY') ?? goesWith(env, 'TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_CERT_DATA'),
  TEMPORAL_CONFIG_FILE: readFault,
};

export const AWS_CHECKS: Record<string, Check> = {
  AWS_REGION: (value) => (/^[a-z0-9-]{1,63}$/.test(value) ? null : 'must be the name of a region: eu-central-1'),
  AWS_ACCESS_KEY_ID: (_value, env) => goesWith(env, 'AWS_SECRET_ACCESS_KEY'),
  AWS_SECRET_ACCESS_KEY: (_value, env) => goesWith(env, 'AWS_ACCESS_KEY_ID'),
  AWS_SESSION_TOKEN: (_value, env) => goesWith(env, 'AWS_ACCESS_KEY_ID'),
  AWS_ENDPOINT_URL_S3: endpointFault,
  AWS_ENDPOINT_URL: endpointFault,
  AWS_CA_BUNDLE: (value) => pemFault(value, 'CERTIFICATE'),
};

/** Returns name and fault of each setting that is set and wrong. */
export function faultsOf(checks: Record<string, Check>, env: Environment): [string, string][] {
  return Object.entries(checks).flatMap(([name, check]) => {
    const value = env[name];
    const fault = value ? check(value, env) : null;
    return fault ? [[name, fault] as [string, string]] : [];
  });
}

function goesWith(env: Environment, ...others: string[]): string | null {
  return others.some((other) => env[other]) ? null : `goes with ${others[0]}: set both, or none`;
}

function endpointFault(value: string): string | null {
  const checked = webUrl().safeParse(value);
  return checked.success ? null : (checked.error.issues[0]?.message ?? required('').error);
}

const LABELS = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?)*\.?$/;

function isHost(text: string): boolean {
  // A name whose last part is a number is an address that was mistyped.
  return isIP(text) !== 0 || (LABELS.test(text) && !/(^|\.)\d+\.?$/.test(text));
}

function isHostAndPort(text: string): boolean {
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|([^:\s]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  return isPort && (bracketed === undefined ? isHost(plain) : isIPv6(bracketed));
}
