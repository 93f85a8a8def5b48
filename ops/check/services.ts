// Tries Redis and the mail server.
import { resolve4, resolveMx } from 'node:dns/promises';
import { Redis } from 'ioredis';
import { Conversation } from '../../activities/mail-delivery/conversation';
import { domainOf } from '../../activities/mail-delivery/mail-address';
import { readMailbox } from '../../activities/mail-delivery/message';
import { REDIS_PREFIX } from '../runtime/redis';
import { type Finding, failed, ok, warning } from './finding';

const ANSWERS_WITHIN_MS = 5_000;

export async function checkRedis(url: string): Promise<Finding[]> {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    connectTimeout: ANSWERS_WITHIN_MS,
    retryStrategy: () => null,
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    const key = `${REDIS_PREFIX}check:${process.pid}`;
    await redis.set(key, '1', 'EX', 60);
    await redis.del(key);
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
    return [ok('Redis', `version ${version}, reads and writes`)];
  } finally {
    redis.disconnect();
  }
}

export async function checkMail(url: string, from: string): Promise<Finding[]> {
  try {
    (await Conversation.open(url)).close();
  } catch (error) {
    const { code } = error as { code?: string };
    return [
      failed('Mail: login', code ?? 'failed', 'check host, port, TLS, user and password in SMTP_URL, and the firewall'),
    ];
  }
  return [ok('Mail: login', 'accepted'), await checkSender(domainOf(readMailbox(from).address))];
}

/** Checks that bounces can arrive. It sends no mail, so only the first mail shows whether the server accepts this sender. */
async function checkSender(domain: string): Promise<Finding> {
  const check = 'Mail: sender';
  const hasMail = await resolveMx(domain).then(
    (all) => all.length > 0,
    () => false,
  );
  if (hasMail) return ok(check, `${domain} has mail servers`);
  const hasAddress = await resolve4(domain).then(Boolean, () => false);
  const found = hasAddress ? `${domain} has no mail server of its own` : `${domain} is not known to the name server`;
  return warning(check, found, 'give MAIL_FROM an address that can receive, or many receivers refuse the mail');
}
