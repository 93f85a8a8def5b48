export interface ScanReport {
  needles: number;
  sources: { source: string; bytes: number; items: number; findings: number; places: string[] }[];
}
export type Scan = (what: { email: string; fingerprints: string[] }, beat: () => void) => Promise<ScanReport>;
