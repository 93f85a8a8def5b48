// Asks the process of its container whether it lives: the HEALTHCHECK of the image. Only the API or the worker runs there.
import { readSettings } from './runtime/configuration';
import { loadEnvFile } from './runtime/env-file';

const WITHIN_MS = 4_000;

async function answers(port: number): Promise<boolean> {
  try {
    const { ok } = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(WITHIN_MS) });
    return ok;
  } catch {
    return false;
  }
}

async function checkHealth(): Promise<void> {
  loadEnvFile();
  const { PORT, WORKER_PORT } = readSettings(['PORT', 'WORKER_PORT']);
  const [api, worker] = await Promise.all([answers(PORT), answers(WORKER_PORT)]);
  process.exitCode = api || worker ? 0 : 1;
}

void checkHealth();
