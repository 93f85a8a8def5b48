// Makes an authority and the certificates that it signs, with openssl.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newFolder } from './environment';

const execute = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const VALID = ['-days', '2'];

/** Names PEM files. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  /** Returns a certificate that this authority signs. */
  issue(name: string, usage: 'serverAuth' | 'clientAuth', hosts?: string[]): Promise<Certificate>;
}

export async function createAuthority(): Promise<Authority> {
  const folder = newFolder('authority');
  const paths = (name: string) => ({ cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) });
  const { cert, key } = paths('authority');
  const subject = ['-subj', '/CN=An authority of the tests'];
  await execute('openssl', ['req', '-x509', ...NEW_KEY, ...VALID, ...subject, '-keyout', key, '-out', cert]);
  return {
    cert,
    key,
    async issue(name, usage, hosts = []) {
      const own = paths(name);
      const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
      const names = hosts.length > 0 ? `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n` : '';
      writeFileSync(extensions, `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=${usage}\n${names}`);
      await execute('openssl', [
        'req',
        '-new',
        ...NEW_KEY,
        '-subj',
        `/CN=${name}`,
        '-keyout',
        own.key,
        '-out',
        request,
      ]);
      const signed = ['-CA', cert, '-CAkey', key, '-CAcreateserial', '-extfile', extensions];
      await execute('openssl', ['x509', '-req', '-in', request, ...signed, ...VALID, '-out', own.cert]);
      return own;
    },
  };
}
