import { type Certificate, isGenuine, signCertificate } from '../../activities/user-erasure/certificate';
import { certificatePage } from '../../api/routes/certificate-page';
import { canonicalJson } from '../../ops/runtime/canonical-json';
import { createSigner, isSignedBy } from '../../ops/runtime/signing';

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
  backupsUntil: '2026-02-01T00:01:00.000Z',
  ledger: { position: 7, hash: 'cd'.repeat(32) },
};

it('is genuine as it was signed, whatever order its fields come back in', () => {
  const signed = signCertificate(signer(OLD), certificate);
  const stored = JSON.parse(
    JSON.stringify({ ...signed, certificate: Object.fromEntries(Object.entries(certificate).reverse()) }),
  );
  expect(isGenuine(signer(NEW, OLD), stored)).toBe(true);
  expect(isSignedBy(signed.publicKey, canonicalJson(stored.certificate), signed.signature)).toBe(true);
});

it('is not genuine once a word of it was changed, nor by a stranger’s key', () => {
  const signed = signCertificate(signer(OLD), certificate);
  const later = { ...signed, certificate: { ...certificate, backupsUntil: '2027-01-01T00:00:00.000Z' } };
  expect(isGenuine(signer(OLD), later)).toBe(false);
  expect(isGenuine(signer(NEW), signed)).toBe(false);
});

it('is a page that says the same and carries no markup of others', () => {
  const page = certificatePage(signCertificate(signer(OLD), certificate));
  for (const word of [certificate.requestId, certificate.subject, 'position 7', '1234', '&#60;postgres&#62;'])
    expect(page).toContain(word);
  expect(page).not.toContain('<postgres>');
});
