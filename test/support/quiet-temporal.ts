// Workers in a test's own process say only what is wrong.
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

export const quiet = new DefaultLogger('ERROR');

/** Once for each process of jest, whichever of its files comes first. */
const INSTALLED = Symbol.for('countersign.quiet-temporal');
if (!Reflect.has(globalThis, INSTALLED)) {
  Reflect.set(globalThis, INSTALLED, true);
  Runtime.install({
    logger: quiet,
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
}
