// Where the metrics of Temporal's SDK come from: its exporter needs a port of its own, so it gets one on loopback that the
// worker's endpoint reads. One scrape of WORKER_METRICS_PORT then has both.
import { freePort } from '../ops/local/ports';

const READ_WITHIN_MS = 1_000;
const TRIES = 5;
/** One program in a host's network sees it: they are codes and counts. */
const LOOPBACK = '127.0.0.1';

/**
 * Runs `install` with an address on which the exporter may listen, and returns a function that reads the exporter.
 * Another program may take the port meanwhile, so it is tried again.
 */
export async function withTemporalMetrics(install: (bindAddress: string) => void): Promise<() => Promise<string>> {
  for (let tried = 1; ; tried++) {
    const bindAddress = `${LOOPBACK}:${await freePort()}`;
    try {
      install(bindAddress);
      return () => readExporter(bindAddress);
    } catch (error) {
      if (tried === TRIES || !/Address already in use/.test(String(error))) throw error;
    }
  }
}

async function readExporter(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(READ_WITHIN_MS) });
  return answer.text();
}
