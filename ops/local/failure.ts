// A failure whose message is all that a user needs, with the exit code of the command.

export const FAILED = 1;
export const REFUSED = 3;

export class StartFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: number = FAILED,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What to tell for whatever was thrown. */
export function explain(error: unknown, folder: string): { message: string; exitCode: number } {
  if (error instanceof StartFailure) return { message: error.message, exitCode: error.exitCode };
  const { message = String(error), code = '', syscall, port } = error as NodeJS.ErrnoException & { port?: number };
  if (syscall === 'listen') {
    return { message: `Port ${port} can't be used here (${code}): choose another one.`, exitCode: FAILED };
  }
  const text = message.includes(code) ? message : `${code} ${message}`;
  const told = (pattern: RegExp) => text.split('\n').find((line) => pattern.test(line));
  const full = told(/ENOSPC|no space left on device/i);
  if (full) {
    return { message: `The disk is full: free some space for ${folder}, then start again.\n${full}`, exitCode: FAILED };
  }
  const denied = told(/\b(EACCES|EROFS|EPERM)\b|permission denied|read-only file system/i);
  if (denied) {
    return {
      message: `${folder} can't be written by this user: give it the right to, or clone to a folder of its own.\n${denied}`,
      exitCode: FAILED,
    };
  }
  return { message, exitCode: FAILED };
}
