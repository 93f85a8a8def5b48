// Statements of the same kind joined: what is asked for while one is under way goes out together as the next.
import DataLoader from 'dataloader';

/** @param run answers in the order of its keys, or fails for all of them */
export function joined<K, V>(run: (keys: readonly K[]) => Promise<V[]>, most = 100): (key: K) => Promise<V> {
  let underWay: Promise<unknown> = Promise.resolve();
  const loader = new DataLoader<K, V>(
    (keys) => {
      const answers = run(keys);
      underWay = answers.catch(() => {});
      return answers;
    },
    { cache: false, maxBatchSize: most, batchScheduleFn: (send) => void underWay.then(send) },
  );
  return (key) => loader.load(key);
}
