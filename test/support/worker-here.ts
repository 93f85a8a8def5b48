// All that a worker does, in the test's own process, which has loaded most of it already. What is to be killed,
// frozen or asked for its log is a ServiceProcess.
import pino from 'pino';
import { Registry } from 'prom-client';
import { readConfiguration } from '../../ops/runtime/configuration';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { createDatabase } from '../../prisma/client';
import { runWorker } from '../../worker/work';
import type { Environment } from './processes';
import './quiet-temporal';

export class WorkerHere {
  private readonly stopping = new AbortController();
  private readonly work: Promise<void>;

  constructor(environment: Environment) {
    const settings = readConfiguration(environment);
    const { TEMPORAL_ADDRESS: address = '', TEMPORAL_NAMESPACE: namespace = '' } = environment;
    const { db, close } = createDatabase(settings);
    this.work = runWorker(
      {
        settings,
        temporal: { connectionOptions: { address }, namespace },
        db,
        registry: new Registry(),
        logger: pino({ level: 'silent' }),
        telemetry: NO_TELEMETRY,
      },
      this.stopping.signal,
    ).finally(close);
    // It is told when it is stopped.
    this.work.catch(() => {});
  }

  /** In order, as a worker that is asked to. Throws what it failed with. */
  stop(): Promise<void> {
    this.stopping.abort();
    return this.work.catch((error: Error) => {
      // All is done by then; the SDK's core sometimes lets go of a worker a moment too late for the SDK.
      if (!error.message.startsWith('Worker still in use')) throw error;
    });
  }
}
