// How an attempt of a step ends.
import { attempt } from '../../activities/backup/attempt';
import { played } from './backup-service';

test('after two hours it is for good', async () => {
  const late = played(Date.now() - 2.1 * 3_600_000);
  const failing = () => attempt(() => Promise.reject(new Error('a word of a person')));
  const failure: Error = await late.run<unknown[], Error, () => Promise<Error>>(failing).catch((error) => error);
  expect(failure).toMatchObject({ type: 'step_failed', nonRetryable: true });
  expect(failure.message).not.toContain('a word');
});

test('the end of a worker is none of the backup', async () => {
  const environment = played(Date.now());
  const run = environment.run(() =>
    attempt(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    ),
  );
  environment.cancel('WORKER_SHUTDOWN');
  await expect(run).rejects.toMatchObject({ type: 'worker_ended', nonRetryable: false });
});
