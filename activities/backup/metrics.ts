// Whether backups come as they should, for alerts: by the newest manifests alone, so that only what exists counts.
import { Gauge, type Registry } from 'prom-client';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { lastProven } from '../drill-reports';
import { listSets, type Manifest, readManifest } from './manifest';

/** A nightly one, an hourly one, and the time that they may take. */
const FULL_WITHIN_MS = 26 * 3_600_000;
const ANY_WITHIN_MS = 2 * 3_600_000;
const LOOKS_EACH_MS = 60_000;

type Newest = Partial<Record<Manifest['kind'], number>>;
type Tools = Pick<RecoveryTools, 'backups' | 'signer'>;

export function observeBackups(registry: Registry, tools: Tools): void {
  const look = atMostOnceAMinute(() => readNewest(tools));
  new Gauge({
    name: 'countersign_backup_last_success_timestamp_seconds',
    help: 'When the newest set was finished, by kind; absent where there is none, or it could not be read',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [kind, at] of Object.entries((await look()) ?? {})) this.set({ kind }, at / 1000);
    },
  });
  new Gauge({
    name: 'countersign_backup_overdue',
    help: '1 where a backup was missed or has failed: no full set for 26 hours, or none at all (any) for two; 1 as well where that could not be checked',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      const { full = 0, incr = 0 } = (await look()) ?? {};
      this.set({ kind: 'full' }, Number(Date.now() - full > FULL_WITHIN_MS));
      this.set({ kind: 'any' }, Number(Date.now() - Math.max(full, incr) > ANY_WITHIN_MS));
    },
  });
}

export function observeDrills(registry: Registry, { backups, signer }: Tools): void {
  const look = atMostOnceAMinute(() => lastProven(backups, signer));
  new Gauge({
    name: 'countersign_last_proven_restore_timestamp_seconds',
    help: 'When a drill last proved that a backup can be restored; absent where none has, or it could not be read',
    registers: [registry],
    async collect() {
      this.reset();
      const report = await look();
      if (report) this.set(Date.parse(report.finishedAt) / 1000);
      else this.remove();
    },
  });
}

/** Backwards, as far as needed. A set without the database is none to an alert. */
async function readNewest({ backups, signer }: Tools): Promise<Newest> {
  const newest: Newest = {};
  for (const id of (await listSets(backups)).reverse()) {
    const manifest = await readManifest(backups, signer, id).catch(() => null);
    if (!manifest?.postgres) continue;
    newest[manifest.kind] ??= Date.parse(manifest.finishedAt);
    if (manifest.kind === 'full') break;
  }
  return newest;
}

function atMostOnceAMinute<T>(read: () => Promise<T | null>): () => Promise<T | null> {
  let [last, at]: [Promise<T | null> | null, number] = [null, 0];
  return () => {
    if (!last || Date.now() - at > LOOKS_EACH_MS) [last, at] = [read().catch(() => null), Date.now()];
    return last;
  };
}
