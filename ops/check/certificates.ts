// Looks how long the certificates of the servers are valid that are reached by TLS.
import { connect } from 'node:tls';
import type { Configuration } from '../runtime/configuration';
import { type Finding, failed, ok, warning } from './finding';

const SOON_DAYS = 21;
const ANSWERS_WITHIN_MS = 5_000;
const DAY_MS = 86_400_000;
const PORTS: Record<string, number> = { 'https:': 443, 'smtps:': 465, 'rediss:': 6379 };

export async function checkCertificates(settings: Configuration, env = process.env): Promise<Finding[]> {
  const named = Object.entries({
    PUBLIC_URL: settings.PUBLIC_URL,
    SMTP_URL: settings.SMTP_URL,
    REDIS_URL: settings.REDIS_URL,
    AWS_ENDPOINT_URL_S3: env.AWS_ENDPOINT_URL_S3,
    HUBSPOT_BASE_URL: settings.HUBSPOT_ACCESS_TOKEN && settings.HUBSPOT_BASE_URL,
  });
  const found = named.map(async ([name, value]) => {
    const url = value ? new URL(value) : null;
    const port = url ? PORTS[url.protocol] : undefined;
    return url && port ? [await checkCertificate(name, url.hostname, Number(url.port || port))] : [];
  });
  return (await Promise.all(found)).flat();
}

function checkCertificate(setting: string, host: string, port: number): Promise<Finding> {
  const check = `${setting}: certificate`;
  return new Promise((resolve) => {
    // Also one that is not trusted tells until when it is valid.
    const socket = connect(
      { host, port, servername: host, rejectUnauthorized: false, timeout: ANSWERS_WITHIN_MS },
      () => {
        const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / DAY_MS);
        socket.destroy();
        if (days < 0) resolve(failed(check, 'has expired', 'renew it'));
        else if (days < SOON_DAYS) resolve(warning(check, `valid for ${days} days`, 'renew it'));
        else resolve(ok(check, `valid for ${days} days`));
      },
    );
    const away = (why: string) => {
      socket.destroy();
      resolve(warning(check, why, 'check the address, or start what answers there, and try again'));
    };
    socket.once('timeout', () => away('no answer'));
    socket.once('error', (error: NodeJS.ErrnoException) => away(error.code ?? 'no TLS'));
  });
}
