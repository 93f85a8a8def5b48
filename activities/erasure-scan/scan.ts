// The proof of an erasure: reads every store by its own means and looks for the person. It knows nothing of what erased.
import { createNeedles, type Needles } from './needles';
import type { ScanReport, ScanSource, SourceReport, Subject } from './report';
import { windowsOf } from './windows';

const MOST_PLACES = 10;

export type Scan = (subject: Subject, beat: () => void) => Promise<ScanReport>;

/** A source that can't be read fails the scan: what was not looked at is not free of anybody. */
export function createScan(sources: ScanSource[]): Scan {
  return async (subject, beat) => {
    const needles = createNeedles(subject);
    const reports: SourceReport[] = [];
    for (const source of sources) reports.push(await scanSource(source, subject, needles, beat));
    return { needles: needles.count, sources: reports };
  };
}

async function scanSource(
  { name, read }: ScanSource,
  subject: Subject,
  needles: Needles,
  beat: () => void,
): Promise<SourceReport> {
  const report: SourceReport = { source: name, bytes: 0, items: 0, findings: 0, places: [] };
  for await (const { place, chunks } of read(subject)) {
    report.items += 1;
    const isInName = needles.areIn(place);
    let findings = isInName ? 1 : 0;
    for await (const { bytes, from, to, fresh } of windowsOf(chunks)) {
      findings += needles.find(bytes, from, to);
      report.bytes += fresh;
      beat();
    }
    report.findings += findings;
    // A name that holds the person is not repeated.
    const shown = isInName ? `item ${report.items}, in its name` : place;
    if (findings > 0 && report.places.length < MOST_PLACES && !report.places.includes(shown)) report.places.push(shown);
  }
  return report;
}
