// `.countersign/runtime.json` tells people and tests what runs; `processes.json` tells the next start whom to end.
import { rmSync } from 'node:fs';
import type { Home } from './home';
import { readKeptJson, writeKept } from './kept-file';
import { endProcess, processIdentity } from './process-identity';

export interface RuntimeUrls {
  api: string;
  temporal: string;
  temporalUi: string | null;
  database: string;
  redis: string | null;
  smtp: string;
  mailbox: string | null;
  metrics: string;
}

interface KnownProcess {
  name: string;
  pid: number;
  identity: string;
}

export class RuntimeFile {
  private urls: RuntimeUrls | null = null;
  private readonly processes = new Map<string, KnownProcess>();

  constructor(private readonly home: Home) {
    this.began('supervisor', process.pid);
  }

  tell(urls: RuntimeUrls): void {
    this.urls = urls;
    this.write();
  }
  began(name: string, pid: number): void {
    const identity = processIdentity(pid);
    if (identity === null) return;
    this.processes.set(name, { name, pid, identity });
    this.write();
  }
  ended(name: string, pid: number): void {
    if (this.processes.get(name)?.pid !== pid) return;
    this.processes.delete(name);
    this.write();
  }

  /** All but our own. */
  pids(): number[] {
    return [...this.processes.values()].map(({ pid }) => pid).filter((pid) => pid !== process.pid);
  }
  /** Nothing runs any more. */
  clear(): void {
    for (const name of ['runtime.json', 'processes.json']) rmSync(this.home.file(name), { force: true });
  }

  private write(): void {
    const processes = [...this.processes.values()];
    writeKept(this.home.file('processes.json'), JSON.stringify(processes));
    if (!this.urls) return;
    const pids = Object.fromEntries(processes.map(({ name, pid }) => [name, pid]));
    writeKept(this.home.file('runtime.json'), `${JSON.stringify({ ...this.urls, pids }, null, 2)}\n`);
  }
}

/** Ends what a killed supervisor left running. Their numbers may be others' by now, so each must have begun when it did. */
export async function endLeftovers(home: Home): Promise<void> {
  const left = readKeptJson<KnownProcess[]>(home.file('processes.json')) ?? [];
  await Promise.all(
    left
      .filter(({ name }) => name !== 'supervisor')
      // PostgreSQL closes in a moment and then need not recover; all others are made to be killed.
      .map(({ name, pid, identity }) => endProcess(pid, identity, name === 'postgres' ? 'SIGINT' : 'SIGKILL', 8_000)),
  );
}
