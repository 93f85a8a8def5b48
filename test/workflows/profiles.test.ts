// Every attempt at a step that is lost with its worker is noticed soon: a worker that is stopping may be given one that it
// never begins.
import { msToNumber } from '@temporalio/common/lib/time';
import type { ActivityOptions } from '@temporalio/workflow';
import * as profiles from '../../workflows/profiles';

const NOTICED_WITHIN_MS = 60_000;

const named = Object.entries(profiles).filter(
  (entry): entry is [string, ActivityOptions] => typeof entry[1] === 'object' && 'retry' in entry[1],
);

it.each(named)('an attempt of %s is bounded, and one that was lost is noticed within a minute', (_name, profile) => {
  const { startToCloseTimeout, heartbeatTimeout, retry } = profile;
  expect(retry?.maximumInterval).toBeDefined();
  expect(retry?.maximumAttempts).toBeDefined();
  expect(msToNumber((heartbeatTimeout ?? startToCloseTimeout) as string)).toBeLessThanOrEqual(NOTICED_WITHIN_MS);
});
