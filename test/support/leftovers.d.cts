export function noteStart(folder: string, pid: number): void;
export function noteEnd(folder: string, pid: number): void;
export function endLeftovers(folder: string): string[];
