// Shows to Prometheus whether backups come as they should: by the newest manifests alone, so that only what exists counts.
import type { Registry } from 'prom-client';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { observeGauge } from '../../ops/runtime/observed-gauge';
import { TookTooLong, within } from '../../ops/runtime/within';
import { lastProven } from '../drill-reports';
import { listSets, type Manifest, readManifest } from './manifest';

/** A nightly one, an hourly one, and the time that they may take. */
const FULL_WITHIN_MS = 26 * 3_600_000;
const ANY_WITHIN_MS = 2 * 3_600_000;
const LOOKS_EACH_MS = 60_000;
/** A large store takes longer than a scrape waits. Until its answer is there, the last one holds, but not for ever. */
const ANSWERS_WITHIN_MS = 500;
const TRUSTED_MS = 5 * 60_000;

type Newest = Partial<Record<Manifest['kind'], number>>;
type Tools = Pick<RecoveryTools, 'backups' | 'signer'>;

export function observeBackups(registry: Registry, tools: Tools): void {
  const look = atMostOnceAMinute(() => readNewest(tools));
  const overdue = ({ full = 0, incr = 0 }: Newest) => [
    { labels: { kind: 'full' }, value: Number(Date.now() - full > FULL_WITHIN_MS) },
    { labels: { kind: 'any' }, value: Number(Date.now() - Math.max(full, incr) > ANY_WITHIN_MS) },
  ];
  observeGauge(registry, {
    name: 'countersign_backup_last_success_timestamp_seconds',
    help: 'When the newest set was finished, by kind; absent if there is none, NaN if the store could not be read',
    labelNames: ['kind'],
    read: async () => Object.entries(await look()).map(([kind, at]) => ({ labels: { kind }, value: at / 1000 })),
    unknown: [
      { labels: { kind: 'full' }, value: Number.NaN },
      { labels: { kind: 'incr' }, value: Number.NaN },
    ],
  });
  observeGauge(registry, {
    name: 'countersign_backup_overdue',
    help: '1 if a backup was missed or has failed: no full set for 26 hours, or none at all (any) for two; 1 as well if the store could not be read',
    labelNames: ['kind'],
    read: async () => overdue(await look()),
    // A store that can't be read must not look well.
    unknown: overdue({}),
  });
}

export function observeDrills(registry: Registry, { backups, signer }: Tools): void {
  const look = atMostOnceAMinute(() => lastProven(backups, signer));
  observeGauge(registry, {
    name: 'countersign_last_proven_restore_timestamp_seconds',
    help: 'When a drill last proved that a backup can be restored; absent if none has, NaN if the store could not be read',
    read: async () => {
      const report = await look();
      return report ? [{ value: Date.parse(report.finishedAt) / 1000 }] : [];
    },
    unknown: [{ value: Number.NaN }],
  });
}

/** Backwards, as far as needed. A set without the database is none to an alert, unless a provider keeps that. */
async function readNewest({ backups, signer }: Tools): Promise<Newest> {
  const newest: Newest = {};
  for (const id of (await listSets(backups)).reverse()) {
    const manifest = await readManifest(backups, signer, id).catch(() => null);
    if (!manifest || !(manifest.postgres || manifest.provider)) continue;
    newest[manifest.kind] ??= Date.parse(manifest.finishedAt);
    if (manifest.kind === 'full') break;
  }
  return newest;
}

/** Answers with the last reading of at most a minute ago; while a newer one is under way, with the one before it. */
function atMostOnceAMinute<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { value: T; at: number } | null = null;
  let underWay: Promise<T> | null = null;
  const readNow = () => {
    underWay ??= read()
      .then((value) => {
        last = { value, at: Date.now() };
        return value;
      })
      .finally(() => {
        underWay = null;
      });
    return underWay;
  };
  return () => {
    const age = last ? Date.now() - last.at : Number.POSITIVE_INFINITY;
    if (last && age <= LOOKS_EACH_MS) return Promise.resolve(last.value);
    const reading = readNow();
    if (!last || age > TRUSTED_MS) return reading;
    const { value } = last;
    return within(ANSWERS_WITHIN_MS, reading).catch((error) => {
      if (error instanceof TookTooLong) return value;
      throw error;
    });
  };
}
