// The certificate of an erasure for people: what was erased, what was looked through, until when backups may hold anything.
import type { Certificate, SignedCertificate } from '../../activities/user-erasure/certificate';
import { escaped, policyFor, when } from '../pages/html';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 3rem auto; padding: 0 1rem; color: #1c2430; }
h1 { font-size: 1.6rem; } .seal { border-left: 4px solid #1a7f4b; padding: .5rem 1rem; background: #f1f8f4; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; } th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #dde2e8; }
td.n, th.n { text-align: right; } code { overflow-wrap: anywhere; font-size: .85em; }
@media (prefers-color-scheme: dark) { body { background: #14181f; color: #e4e8ee; } .seal { background: #16241c; } th, td { border-color: #333b47; } }
`;
export const CERTIFICATE_POLICY = policyFor(STYLE);

export function certificatePage({ certificate, signature, publicKey }: SignedCertificate): string {
  const { requestId, subject, requestedAt, begunAt, certifiedAt, stores, scan, ledger } = certificate;
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Certificate of erasure ${escaped(requestId)}</title>
  <style>${STYLE}</style>
</head>
<body>
  <h1>Certificate of erasure</h1>
  <p class="seal">On ${when(certifiedAt)} it was certified that a scan of every store found nothing of this person, and found the decoy that it had planted in each.
  ${describeBackups(certificate)} Every restore carries this erasure out again before it opens.</p>
  ${describeClusters(certificate)}
  <table>
    <tr><th>Request</th><td><code>${escaped(requestId)}</code></td></tr>
    <tr><th>Person (keyed hash)</th><td><code>${escaped(subject)}</code></td></tr>
    <tr><th>Requested</th><td>${when(requestedAt)}</td></tr>
    <tr><th>Begun</th><td>${when(begunAt)}</td></tr>
    <tr><th>Ledger</th><td>position ${ledger.position}, <code>${escaped(ledger.hash)}</code></td></tr>
  </table>
  <h2>Erased</h2>
  <table>
    <tr><th>Store</th><th class="n">erased</th><th class="n">anonymised</th></tr>
    ${rows(stores.map(({ store, erased, anonymised }) => [store, erased, anonymised]))}
  </table>
  <h2>Looked through</h2>
  <p>For the address in every spelling${scan.needles > 1 ? ` and ${scan.needles - 1} hashes of the content` : ''}.${describePass(scan)}</p>
  <table>
    <tr><th>Source</th><th class="n">items</th><th class="n">bytes</th><th class="n">findings</th></tr>
    ${rows(scan.sources.map(({ source, items, bytes, findings }) => [source, items, bytes, findings]))}
  </table>
  <h2>Signature</h2>
  <p>Ed25519 <code>${escaped(signature)}</code><br>by <code>${escaped(publicKey)}</code></p>
</body>
</html>
`;
}

function describePass({ pass, late = 0 }: Certificate['scan']): string {
  const read = pass
    ? ` Everything was read from ${when(pass.startedAt)} to ${when(pass.finishedAt)}, for ${pass.erasures === 1 ? 'this erasure' : `${pass.erasures} erasures`}.`
    : '';
  const came =
    late > 0 ? ` ${late} mentions had been written after the erasure began; they were removed afterwards.` : '';
  return read + came;
}

function describeBackups({ backupsUntil, backups }: Certificate): string {
  if (backupsUntil !== null) return `Backups from before may hold them until ${when(backupsUntil)}.`;
  const expected = backups
    ? ` With a full backup each night from now on, that is by ${when(backups.expectedUntil)}; without, no day can be promised.`
    : '';
  return `Backups from before may hold them until they are older than the retention and two newer full backups have replaced them.${expected}`;
}

function describeClusters({ keptForUndo = [] }: Certificate): string {
  if (keptForUndo.length === 0) return '';
  const lines = keptForUndo.map(
    ({ cluster, until }) =>
      `<tr><td><code>${escaped(cluster)}</code></td><td>${until === null ? 'its restore is settled, and then the days of UNDO_RETENTION_DAYS are over' : when(until)}</td></tr>`,
  );
  return `<h2>Databases that a restore replaced, and that may hold them</h2>
  <table>
    <tr><th>Folder</th><th>until</th></tr>
    ${lines.join('\n    ')}
  </table>`;
}

const rows = (lines: (string | number)[][]) =>
  lines
    .map(
      ([name, ...numbers]) =>
        `<tr><td>${escaped(String(name))}</td>${numbers.map((n) => `<td class="n">${n}</td>`).join('')}</tr>`,
    )
    .join('\n    ');
