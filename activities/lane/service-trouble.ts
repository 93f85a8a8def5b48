// Says that the service as a whole is in trouble: no item is at fault, and the lane waits before it tries again.

export class ServiceTrouble extends Error {
  /** @param code why, as operators read it
   *  @param retryAfterMs how long the service asks to be left alone; null where it asks for nothing */
  constructor(
    readonly code: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(code);
  }
}
