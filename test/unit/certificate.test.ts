// The certificate of an erasure: genuine or not, as a page, and as who has nothing but docs/gdpr.md verifies it.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSubjects } from '../../activities/personal-data/subject';
import {
  type Certificate,
  checkCertificate,
  type SignedCertificate,
  signCertificate,
} from '../../activities/user-erasure/certificate';
import { certificatePage } from '../../api/routes/certificate-page';
import { canonicalJson } from '../../ops/runtime/canonical-json';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { createSigner, isSignedBy } from '../../ops/runtime/signing';
import { newFolder } from '../support/environment';

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const signer = (...keys: Buffer[]) => createSigner(keys, 'certificates');
const certificate: Certificate = {
  kind: 'countersign erasure certificate',
  requestId: '01900000-0000-7000-8000-000000000001',
  subject: 'ab'.repeat(32),
  requestedAt: '2026-01-01T00:00:00.000Z',
  begunAt: '2026-01-02T00:00:00.000Z',
  certifiedAt: '2026-01-02T00:01:00.000Z',
  stores: [{ store: 'postgres', erased: 3, anonymised: 1 }],
  scan: { needles: 12, sources: [{ source: '<postgres>', items: 4, bytes: 1234, findings: 0 }] },
  backupsUntil: null,
  backups: { retentionDays: 30, keptByCount: true, until: null, expectedUntil: '2026-02-03T00:01:00.000Z' },
  keptForUndo: [
    { cluster: 'data', until: '2026-01-10T00:00:00.000Z' },
    { cluster: '<data>', until: null },
  ],
  ledger: { position: 7, hash: 'cd'.repeat(32) },
};

it('is genuine as it was signed, whatever order its fields come back in', () => {
  const signed = signCertificate(signer(OLD), certificate);
  const stored = JSON.parse(
    JSON.stringify({ ...signed, certificate: Object.fromEntries(Object.entries(certificate).reverse()) }),
  );
  expect(checkCertificate(signer(NEW, OLD), stored)).toBe('genuine');
  expect(isSignedBy(signed.publicKey, canonicalJson(stored.certificate), signed.signature)).toBe(true);
});

it('is forged once a word of it was changed, whoever signed it, and by a key that is not known here proves nothing', () => {
  const signed = signCertificate(signer(OLD), certificate);
  const later = { ...signed, certificate: { ...certificate, backupsUntil: '2027-01-01T00:00:00.000Z' } };
  expect(checkCertificate(signer(OLD), later)).toBe('forged');
  expect(checkCertificate(signer(NEW), later)).toBe('forged');
  expect(checkCertificate(signer(NEW), signed)).toBe('unknown_key');
  expect(checkCertificate(signer(NEW), { ...signed, publicKey: 'any key' })).toBe('forged');
});

it('is a page that says the same and carries no markup of others', () => {
  const page = certificatePage(signCertificate(signer(OLD), certificate));
  for (const word of [certificate.requestId, certificate.subject, 'position 7', '1234', '&#60;postgres&#62;'])
    expect(page).toContain(word);
  expect(page).not.toContain('<postgres>');
  expect(page).not.toContain('<data>');
});

it('is a page that says what may still hold the person: backups without a promised day, and replaced databases', () => {
  const page = certificatePage(signCertificate(signer(OLD), certificate));
  expect(page).toContain('two newer full backups have replaced them');
  expect(page).toContain('2026-02-03T00:01:00.000Z');
  expect(page).toContain('<code>data</code></td><td><time datetime="2026-01-10T00:00:00.000Z">');
  expect(page).toContain('its restore is settled');
});

it('is a page too where an older build has written it', () => {
  const { backups: _, keptForUndo: __, ...others } = certificate;
  const signed = signCertificate(signer(OLD), { ...others, backupsUntil: '2026-02-01T00:01:00.000Z' });
  expect(checkCertificate(signer(OLD), signed)).toBe('genuine');
  const page = certificatePage(signed);
  expect(page).toContain('may hold them until <time datetime="2026-02-01T00:01:00.000Z">');
  expect(page).not.toContain('Databases that a restore replaced');
});

describe('by the programs in the documentation', () => {
  const folder = newFolder('certificate');
  const page = readFileSync(join(PACKAGE_ROOT, 'docs/gdpr.md'), 'utf8');
  const [verifier, checker] = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code = ''], n) => {
    const path = join(folder, `${n}.mjs`);
    writeFileSync(path, code);
    return path;
  }) as [string, string];

  function run(program: string, signed: SignedCertificate, ...rest: string[]): [status: number | null, told: string] {
    const file = join(folder, 'certificate.json');
    writeFileSync(file, JSON.stringify(signed));
    const SECRET_KEY = [NEW, OLD].map((key) => key.toString('base64')).join(',');
    const options = { env: { PATH: process.env.PATH, SECRET_KEY }, encoding: 'utf8' } as const;
    const { status, stdout } = spawnSync(process.execPath, [program, file, ...rest], options);
    return [status, stdout.trim()];
  }

  it('it is verified with the public key alone, and refused with another or once a count was changed', () => {
    const signed = signCertificate(signer(OLD), certificate);
    expect(run(verifier, signed)).toEqual([0, `genuine, signed by ${signed.publicKey}`]);
    expect(run(verifier, signed, signed.publicKey)[0]).toBe(0);
    expect(run(verifier, signed, signer(NEW).publicKeys[0] as string)).toEqual([1, 'NOT genuine']);
    const stores = [{ store: 'postgres', erased: 4, anonymised: 1 }];
    expect(run(verifier, { ...signed, certificate: { ...certificate, stores } })).toEqual([1, 'NOT genuine']);
  });

  it('whom it is about is told to who has the address and the key', () => {
    const [hash] = createSubjects([OLD]).hashesOf('zoe.q@bücher.example');
    const subject = Buffer.from(hash as Uint8Array).toString('hex');
    const signed = signCertificate(signer(OLD), { ...certificate, subject });
    for (const address of ['Zoe.Q@xn--bcher-kva.example', 'zoe.q@BÜCHER.example'])
      expect(run(checker, signed, address)[1]).toBe('It is about this address');
    expect(run(checker, signed, 'zoe@bücher.example')[1]).toBe('It is about somebody else');
  });
});
