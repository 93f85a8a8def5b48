// The wish to stop: a signal, or the end of the process that started us. A second signal ends everything at once.
import { onStarterGone } from '../runtime/starter';

/** A terminal sends Ctrl-C to `ops/start.mjs` and to npm, which passes it on to that: both come here, as one wish. */
const SAME_WISH_MS = 500;

export type StopRequest = Promise<void> & { received: boolean };

export function onStopRequest(now: () => void): StopRequest {
  let first = 0;
  let resolve = () => {};
  const request = new Promise<void>((fulfil) => {
    resolve = fulfil;
  }) as StopRequest;
  request.received = false;
  const receive = () => {
    request.received = true;
    first ||= Date.now();
    resolve();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (first && Date.now() - first > SAME_WISH_MS) {
        now();
        process.exit(1);
      }
      receive();
    });
  }
  onStarterGone(receive);
  return request;
}

/** And whatever those have started: all are of this process's group, which it leads, and goes last. */
export function killAll(pids: number[]): void {
  for (const target of [...pids, -process.pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}
