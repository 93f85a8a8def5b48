// Statements of the same kind joined: what is asked for while one is under way goes out together as the next.
import DataLoader from 'dataloader';

const MOST = 100;

/** @param run answers in the order of its keys, or fails for all of them
 *  @param afterMs leaves others this time to join */
export function joined<K, V>(run: (keys: readonly K[]) => Promise<V[]>, afterMs = 0): (key: K) => Promise<V> {
  let underWay: Promise<unknown> = Promise.resolve();
  const schedule = (send: () => void) => (afterMs > 0 ? setTimeout(send, afterMs) : void underWay.then(send));
  const loader = new DataLoader<K, V>(
    (keys) => {
      const answers = run(keys);
      underWay = answers.catch(() => {});
      return answers;
    },
    { cache: false, maxBatchSize: MOST, batchScheduleFn: schedule },
  );
  return (key) => loader.load(key);
}
