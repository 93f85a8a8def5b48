// Writes HubSpot's objects in batches. HubSpot refuses a whole batch for one bad input, so such a batch is halved until the bad
// input stands alone: one contact's trouble is that contact's.
import { z } from 'zod';
import { garbled, type HubspotAnswer, HubspotFailure, type HubspotPost, leftOut, SOME_REFUSED } from './client';

/** HubSpot takes no more inputs a request. */
export const MOST_INPUTS = 100;

const Objects = z.object({
  results: z.array(
    z.object({
      id: z.union([z.string().regex(/^[\w-]{1,64}$/), z.int().transform(String)]),
      properties: z.record(z.string(), z.string().nullable()).default({}),
    }),
  ),
});

export type HubspotObject = z.output<typeof Objects>['results'][number];

export interface NewObject {
  properties: Record<string, string>;
  associations?: object[];
}

/** @param result the id of the new object, or why HubSpot did not take this input */
export type Settle = (input: NewObject, result: string | HubspotFailure) => void;

export interface BatchWrite {
  path: string;
  inputs: readonly NewObject[];
  /** A property that tells the inputs apart, whatever its case. HubSpot answers with it. */
  key: string;
  /** Called for each input as soon as HubSpot has answered. */
  settle: Settle;
}

/** Throws HubspotFailure if the service is at fault; inputs that have not been settled by then may have been taken. */
export async function createObjects(post: HubspotPost, { path, inputs, key, settle }: BatchWrite): Promise<void> {
  if (inputs.length === 0) return;
  const half = Math.ceil(inputs.length / 2);
  try {
    const answer = await post(path, { inputs });
    const made = new Map(readObjects(answer).map(({ id, properties }) => [nameOf(properties, key), id]));
    for (const input of inputs) {
      const id = made.get(nameOf(input.properties, key));
      if (id === undefined && answer.status !== SOME_REFUSED) throw garbled(answer.status);
      settle(input, id ?? leftOut());
    }
  } catch (error) {
    if (!(error instanceof HubspotFailure) || error.kind !== 'request') throw error;
    if (half === inputs.length) return settle(inputs[0] as NewObject, error);
    await createObjects(post, { path, inputs: inputs.slice(0, half), key, settle });
    await createObjects(post, { path, inputs: inputs.slice(half), key, settle });
  }
}

/** Throws HubspotFailure if the answer is not as documented. */
export function readObjects({ body, status }: HubspotAnswer): HubspotObject[] {
  const parsed = Objects.safeParse(body);
  if (!parsed.success) throw garbled(status);
  return parsed.data.results;
}

const nameOf = (properties: Record<string, string | null>, key: string) => (properties[key] ?? '').toLowerCase();
