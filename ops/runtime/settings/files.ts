// Checks files that settings name and that SDKs read later, when it is too late for a clear message.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Returns what is wrong with a file in PEM that must hold this, or null. */
export function pemFault(path: string, holds: 'CERTIFICATE' | 'PRIVATE KEY'): string | null {
  const read = readFault(path);
  if (read) return read;
  const text = readFileSync(path, 'utf8');
  const block = new RegExp(`-----BEGIN [A-Z ]*${holds}-----[^-]+-----END [A-Z ]*${holds}-----`);
  const found = block.exec(text)?.[0];
  if (!found) return `names a file without a ${holds.toLowerCase()} in PEM`;
  return holds === 'CERTIFICATE' && !isCertificate(found) ? 'names a file whose first certificate is damaged' : null;
}

/** Returns why this process can't read the file, or null. */
export function readFault(path: string): string | null {
  try {
    readFileSync(path);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'names a file that is not there';
    if (code === 'EISDIR') return 'names a folder, and must name a file';
    return `names a file that can not be read (${code})`;
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
