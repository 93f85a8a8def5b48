// Describes settings that are texts of a certain form: addresses, paths, keys, proxies, names.
import { existsSync, statSync } from 'node:fs';
import { isIP, isIPv4 } from 'node:net';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { required } from './urls';

const ADDRESS = `[^\\s@<>,;:"()]+@[^\\s@<>,;"()]+`;
const QUOTED_NAME = `"(?:[^"\\\\]|\\\\.)*"`;
/** A bare address, or a name before one in angle brackets. A name with a comma is quoted, or it would be two mailboxes. */
const MAILBOX = new RegExp(`^(?:${ADDRESS}|(?:${QUOTED_NAME}|[^"<>,;:@()]*) ?<${ADDRESS}>)$`);

/** One address, with or without a name. */
export const mailbox = () =>
  z.string(required('the From address of every mail')).refine((value) => MAILBOX.test(value), {
    error: 'must be one address, with or without a name: Example Outbox <outbox@example.com>',
  });

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

export const secretKeys = () =>
  z
    .string(required('32 or more random bytes in base64, for instance from `openssl rand -base64 32`'))
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine((parts) => parts.every((part) => BASE64.test(part) && Buffer.from(part, 'base64').length >= 32), {
      error: 'must be keys of 32 bytes or more in base64',
      abort: true,
    })
    .transform((parts) => parts.map((part) => Buffer.from(part, 'base64')))
    .refine((keys) => new Set(keys.map((key) => key.toString('base64'))).size === keys.length, {
      error: 'must not list a key twice',
    });

export const paths = () =>
  z
    .string()
    .transform((value) => [...new Set(value.split(',').map((path) => path.trim().replaceAll('%2C', ',')))])
    .refine((all) => all.every((path) => isAbsolute(path)), { error: 'must be absolute paths, separated by commas' });

/** On another machine than this one it may not be there. */
export const folder = () =>
  z
    .string()
    .refine((path) => isAbsolute(path), { error: 'must be an absolute path', abort: true })
    .refine((path) => !existsSync(path) || statSync(path).isDirectory(), {
      error: 'names a file, and must name a folder',
    });

const NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];
const HOPS_AT_MOST = 20;

/** As Express' `trust proxy` takes it, but for `true`: then anyone could claim to be any client. */
export const proxies = () =>
  z
    .string()
    .refine(
      (value) =>
        /^\d+$/.test(value) ? Number(value) <= HOPS_AT_MOST : value.split(',').every((one) => isNetwork(one.trim())),
      {
        error: `must be a number of hops up to ${HOPS_AT_MOST}, or addresses and subnets with commas between (10.0.0.0/8), or loopback, linklocal, uniquelocal`,
      },
    );

function isNetwork(text: string): boolean {
  if (NETWORKS.includes(text)) return true;
  const [address = '', range, ...others] = text.split('/');
  const family = isIP(address);
  if (family === 0 || others.length > 0) return false;
  if (range === undefined) return true;
  if (family === 4 && isIPv4(range)) return true;
  return /^\d{1,3}$/.test(range) && Number(range) >= 1 && Number(range) <= (family === 4 ? 32 : 128);
}

/** What goes into a header or a name of another service: no spaces, nothing that it would refuse later. */
export const token = () => z.string().regex(/^[\x21-\x7e]+$/, 'must have no spaces and only ASCII characters');
export const name = () =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/, 'must be letters, digits and . _ + -, 200 at most');

/** Rejects `1.2.3`, which is no name but an address with a part missing. */
const NAME = /^(?![\d.]+$)[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i;
const LOOPBACK = '127.0.0.1';

/** An address to listen on. */
export const host = () =>
  z
    .string()
    .refine((value) => isIP(value) > 0 || NAME.test(value), {
      error: 'must be an address of this machine, like 127.0.0.1, 0.0.0.0 or ::',
    })
    .default(LOOPBACK);
