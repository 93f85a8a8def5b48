// Scans for one person, and sources of a test's own that keep a decoy as every source does.
import {
  createScan,
  type ScanItem,
  type ScanReport,
  type ScanSource,
  type SourceReport,
  type Subject,
} from '../../activities/erasure-scan';
import { createMatcher } from '../../activities/personal-data/matching/matcher';

const matcher = createMatcher();
afterAll(() => matcher.close());

export async function scanAll(sources: ScanSource[], subject: Subject, beat = () => {}): Promise<ScanReport> {
  const [report] = await createScan(sources, matcher)([subject], beat);
  return report as ScanReport;
}

export async function scanOne(source: ScanSource, email: string, fingerprints: string[] = []): Promise<SourceReport> {
  const { sources } = await scanAll([source], { email, fingerprints });
  return sources[0] as SourceReport;
}

/** @param isBlind it does not show what was planted */
export function sourceOf(
  items: () => Iterable<ScanItem> | AsyncIterable<ScanItem>,
  { name = 'test', isBlind = false } = {},
): ScanSource {
  let planted = '';
  return {
    name,
    async plant(decoy) {
      planted = decoy;
      return { places: new Map([['the decoy', 1]]), items: 1, remove: async () => {} };
    },
    async *read() {
      yield* items();
      yield { place: 'the decoy', chunks: Buffer.from(isBlind ? '' : planted) };
    },
  };
}
