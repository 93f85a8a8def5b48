/** Works through them, so many at a time; the first failure ends it. */
export async function sideBySide<T>(
  items: Iterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const all = items[Symbol.iterator]();
  let hasFailed = false;
  const worker = async () => {
    for (let next = all.next(); !next.done && !hasFailed; next = all.next()) {
      signal.throwIfAborted();
      await work(next.value).catch((error) => {
        hasFailed = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: most }, worker));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}
