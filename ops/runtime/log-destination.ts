// Writes log lines without holding up the process: if the sink takes none, lines are lost and counted, and requests are answered.
import { fstatSync, writeSync } from 'node:fs';

/** Kept in memory while the sink takes nothing; what comes on top is dropped. */
const KEPT_BYTES = 1_000_000;
/** A pipe whose reader is slow frees itself soon; a full disk needs an operator. */
const RETRY_FULL_PIPE_MS = 20;
const RETRY_FAILED_MS = 1_000;
const LAST_LINES_WITHIN_MS = 500;
const WAIT_MS = 10;

let dropped = 0;
/** Returns how many lines this process has dropped since it started. */
export const droppedLines = () => dropped;

/** Destinations that still have lines to write when the process ends. */
const unfinished = new Set<() => void>();
process.on('exit', () => {
  for (const finish of unfinished) finish();
});

export interface LogDestination {
  write(line: string): void;
}

/** @param onRecovered learns how many lines were dropped, once the sink takes lines again */
export function createLogDestination(fd: number, onRecovered: (dropped: number) => void): LogDestination {
  avoidBlocking(fd);
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let untold = 0;

  /** Returns the error that left some lines unwritten, or null if all are written. A line that was cut is continued. */
  function writeKept(): NodeJS.ErrnoException | null {
    for (let line = kept[0]; line; line = kept[0]) {
      try {
        const written = writeSync(fd, line);
        keptBytes -= written;
        if (written === line.length) kept.shift();
        else kept[0] = line.subarray(written);
      } catch (error) {
        return error as NodeJS.ErrnoException;
      }
    }
    unfinished.delete(finish);
    return null;
  }

  function writeOrRetry(): void {
    const failure = writeKept();
    if (failure) {
      unfinished.add(finish);
      setTimeout(writeOrRetry, isFullPipe(failure) ? RETRY_FULL_PIPE_MS : RETRY_FAILED_MS).unref();
    } else tellDropped();
  }

  function tellDropped(): void {
    if (untold === 0) return;
    const count = untold;
    untold = 0;
    onRecovered(count);
  }

  /** Waits for a slow reader, since the last lines say why the process ends, but not for ever. */
  function finish(): void {
    const deadline = Date.now() + LAST_LINES_WITHIN_MS;
    for (let failure = writeKept(); failure; failure = writeKept()) {
      if (!isFullPipe(failure) || Date.now() > deadline) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    }
    tellDropped();
  }

  return {
    write(line) {
      const bytes = Buffer.from(line);
      if (keptBytes + bytes.length > KEPT_BYTES) {
        dropped++;
        untold++;
        return;
      }
      kept.push(bytes);
      keptBytes += bytes.length;
      // With more than this one kept, a retry is due.
      if (kept.length === 1) writeOrRetry();
    },
  };
}

const isFullPipe = ({ code }: NodeJS.ErrnoException) => code === 'EAGAIN' || code === 'EBUSY';

/** A write to a pipe that nobody reads would block the event loop. Node's own stream sets the pipe to fail instead. */
function avoidBlocking(fd: number): void {
  try {
    const kind = fstatSync(fd);
    if (fd === 1 && (kind.isFIFO() || kind.isSocket())) void process.stdout;
  } catch {
    // A closed descriptor: each write fails by itself.
  }
}
