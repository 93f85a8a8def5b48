// The heartbeat of long work, by the clock: only a worker that died or froze is late, and no statement that takes long.
import { Context } from '@temporalio/activity';

const BEATS_EACH_MS = 1_000;

/** @param work is given what to call between its parts, with news to beat: it throws where the activity has been cancelled */
export async function beating<T, News = unknown>(work: (beat: (news?: News) => void) => Promise<T>): Promise<T> {
  const activity = Context.current();
  let news: News | undefined;
  const beats = setInterval(() => activity.heartbeat(news), BEATS_EACH_MS);
  try {
    return await work((newest) => {
      news = newest ?? news;
      activity.cancellationSignal.throwIfAborted();
    });
  } finally {
    clearInterval(beats);
  }
}
