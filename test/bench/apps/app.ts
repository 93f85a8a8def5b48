// What the driver knows of an app under measurement.

import { until } from '../../support/until';
import type { AppName } from '../options';

export interface MeasuredProcess {
  name: string;
  pid(): number;
}

export interface App {
  name: AppName;
  title: string;
  /** Answers the draft's id. */
  create(recipient: string): Promise<string>;
  /** Null where nobody needs to. */
  approve: ((id: string) => Promise<unknown>) | null;
  /** Whose CPU time its flows cost. */
  processes: MeasuredProcess[];
  /** Events in the histories of these drafts' own workflows, together. */
  eventsOf(ids: string[]): Promise<number>;
  /** Events so far in the histories that its drafts share. */
  sharedEvents(): Promise<number>;
}

export const draftTo = (recipient: string) => ({
  to: recipient,
  subject: 'The figures you asked for',
  body: 'Dear reader,\n\nhere are the figures that you asked for.\n\n'.padEnd(1000, 'All is well. '),
});

export const answers = (url: string, withinMs = 60_000) =>
  until(
    `${url} answers 200`,
    () =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      ),
    withinMs,
  );
