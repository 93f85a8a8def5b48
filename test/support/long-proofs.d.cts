export const LONG_PROOFS: Record<string, string[]>;
export function drawLongProofs(sample: string): { held: string[]; leftOut: string[] };
export function draw(sample: string, what: string, count: number): number;
