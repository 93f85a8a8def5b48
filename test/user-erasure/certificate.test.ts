// The certificate of an erasure: whole, genuine, and verified by who has nothing but docs/gdpr.md.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSubjects } from '../../activities/personal-data/subject';
import {
  type Certificate,
  isGenuine,
  type SignedCertificate,
  signCertificate,
} from '../../activities/user-erasure/certificate';
import { certificatePage } from '../../api/routes/certificate-page';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { createSigner } from '../../ops/runtime/signing';
import { newFolder } from '../support/environment';

const KEY = Buffer.alloc(32, 7);
const NEXT = Buffer.alloc(32, 8);
const EMAIL = 'zoe.q@bücher.example';
const signer = (...keys: Buffer[]) => createSigner(keys, 'certificates');

const CERTIFICATE: Certificate = {
  kind: 'countersign erasure certificate',
  requestId: '01a210c3-0983-7153-876d-e3f59ee02da8',
  subject: Buffer.from(createSubjects([KEY]).hashesOf(EMAIL)[0] as Uint8Array).toString('hex'),
  requestedAt: '2026-11-25T03:32:27.141Z',
  begunAt: '2026-11-25T03:32:38.233Z',
  certifiedAt: '2026-11-25T03:33:07.674Z',
  stores: [{ store: 'postgres', erased: 2, anonymised: 1 }],
  scan: { needles: 41, sources: [{ source: 'postgres', items: 24, bytes: 17_474, findings: 0 }] },
  backupsUntil: '2026-12-25T03:33:07.674Z',
  ledger: { position: 1, hash: 'ab'.repeat(32) },
};
const signed = signCertificate(signer(KEY), CERTIFICATE);
const changes: [what: string, change: Partial<Certificate>][] = [
  ['another time', { certifiedAt: '2026-11-26T03:33:07.674Z' }],
  ['another person', { subject: 'cd'.repeat(32) }],
  ['another count', { stores: [{ store: 'postgres', erased: 3, anonymised: 1 }] }],
  ['findings hidden', { scan: { needles: 41, sources: [] } }],
];
const changed = (change: Partial<Certificate>): SignedCertificate => ({
  ...signed,
  certificate: { ...CERTIFICATE, ...change },
});

/** In whatever order a database gives the keys back. */
const reordered = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, reordered(inner)]),
      )
    : value;

it('is genuine in whatever order its fields come back', () => {
  expect(isGenuine(signer(KEY), signed)).toBe(true);
  expect(isGenuine(signer(KEY), reordered(signed) as SignedCertificate)).toBe(true);
});

it.each(changes)('is not genuine with %s', (_what, change) => {
  expect(isGenuine(signer(KEY), changed(change))).toBe(false);
});

it('stays genuine when the key has been rotated, and is not without the old one', () => {
  expect(isGenuine(signer(NEXT, KEY), signed)).toBe(true);
  expect(isGenuine(signer(NEXT), signed)).toBe(false);
});

it('has a page that says the same and runs nothing', () => {
  const page = certificatePage(changed({ subject: '<script>alert(1)</script>' }));
  for (const part of [CERTIFICATE.requestId, CERTIFICATE.ledger.hash, signed.signature, '2026-12-25 03:33:07 UTC']) {
    expect(page).toContain(part);
  }
  expect(page).not.toContain('<script');
});

describe('by what the documentation says', () => {
  const folder = newFolder('certificate');
  const [verifier, checker] = [
    ...readFileSync(join(PACKAGE_ROOT, 'docs/gdpr.md'), 'utf8').matchAll(/```js\n(.*?)```/gs),
  ].map(([, code = ''], n) => {
    const path = join(folder, `${n}.mjs`);
    writeFileSync(path, code);
    return path;
  }) as [string, string];

  function run(program: string, about: SignedCertificate, ...rest: string[]): [status: number | null, told: string] {
    const file = join(folder, 'certificate.json');
    writeFileSync(file, JSON.stringify(reordered(about)));
    const env = { PATH: process.env.PATH, SECRET_KEY: [NEXT, KEY].map((key) => key.toString('base64')).join(',') };
    const { status, stdout } = spawnSync(process.execPath, [program, file, ...rest], { env, encoding: 'utf8' });
    return [status, stdout.trim()];
  }

  it('it is verified with the public key alone', () => {
    expect(run(verifier, signed)).toEqual([0, `genuine, signed by ${signed.publicKey}`]);
    expect(run(verifier, signed, signed.publicKey)[0]).toBe(0);
    expect(run(verifier, signed, signer(NEXT).sign('').publicKey)).toEqual([1, 'NOT genuine']);
  });

  it.each(changes)('it is refused with %s', (_what, change) => {
    expect(run(verifier, changed(change))).toEqual([1, 'NOT genuine']);
  });

  it('whom it is about is told to who has the address and the key', () => {
    expect(run(checker, signed, 'Zoe.Q@xn--bcher-kva.example')[1]).toBe('It is about this address');
    expect(run(checker, signed, 'Zoe.Q@BÜCHER.example')[1]).toBe('It is about this address');
    expect(run(checker, signed, 'zoe@bücher.example')[1]).toBe('It is about somebody else');
  });
});
