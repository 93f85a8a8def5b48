// Asks a process of a release whether it is ready, which version it is, and what it counts.
import { z } from 'zod';
import type { RunningProcess } from '../../ops/releases/driver';

const ANSWERS_WITHIN_MS = 3_000;

const get = (url: string) => fetch(url, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });

export const isReady = ({ url }: Pick<RunningProcess, 'url'>): Promise<boolean> =>
  get(`${url}/ready`).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );

/** Returns what the API itself says; null if it does not answer. */
export const readVersion = ({ url }: RunningProcess): Promise<string | null> =>
  get(`${url}/health`)
    .then(async (response) => z.object({ version: z.string() }).parse(await response.json()).version)
    .catch(() => null);

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Returns null if nobody answers. */
export const readMetrics = ({ metrics }: RunningProcess): Promise<Sample[] | null> =>
  get(metrics)
    .then(async (response) => (response.ok ? parseMetrics(await response.text()) : null))
    .catch(() => null);

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads Prometheus's text format. */
export const parseMetrics = (text: string): Sample[] =>
  text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, label = '', of = '']) => [label, of]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });

/** Adds up the samples of a metric that have these labels. */
export const sumOf = (samples: Sample[], name: string, matches: (labels: Record<string, string>) => boolean): number =>
  samples.filter((one) => one.name === name && matches(one.labels)).reduce((sum, { value }) => sum + value, 0);
