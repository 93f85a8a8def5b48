import { Worker } from '@temporalio/worker';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { workflowSinks } from '../../worker/workflow-sinks';
import '../support/quiet-temporal';
import { tracesIn } from '../support/traces';
import { workflowBundle } from '../support/workflow-bundle';
import { type Recording, recordings } from './histories';
import { SCENARIO_NAMES } from './recovery-scenarios';

const recorded = recordings();

/** The scenarios whose histories today's workflows cannot replay, and why. */
async function failures(histories: Map<string, Recording>): Promise<Record<string, string>> {
  const failed: Record<string, string> = {};
  const options = { workflowBundle: workflowBundle(), sinks: workflowSinks(NO_TELEMETRY) };
  const iterable = [...histories.values()].map(({ workflowId, history }) => ({ workflowId, history }));
  const names = new Map([...histories].map(([name, { workflowId }]) => [workflowId, name]));
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories(options, iterable as never)) {
    replayed += 1;
    if (error) failed[names.get(workflowId) ?? workflowId] = `${error.name}: ${error.message}`;
  }
  expect(replayed).toBe(histories.size);
  return failed;
}

/** A local activity's name stands in a payload, which JSON holds in base64. */
const renameStep = (history: string, from: string, to: string) =>
  history.replaceAll(/"data": ?"([A-Za-z0-9+/=]+)"/g, (whole, data: string) => {
    const text = Buffer.from(data, 'base64').toString();
    return text.includes(from) ? `"data":"${Buffer.from(text.replaceAll(from, to)).toString('base64')}"` : whole;
  });

describe('recorded histories', () => {
  it('are there for every scenario, and for nothing else', () => {
    expect(recorded.size).toBeGreaterThan(0);
    expect([...recorded.keys()].sort()).toEqual(SCENARIO_NAMES);
  });

  it('are replayed by today’s workflows, every one', async () => {
    expect(await failures(recorded)).toEqual({});
  });

  it('would show a workflow that acts otherwise', async () => {
    const name = 'approved-and-sent';
    const { workflowId, history } = recorded.get(name) as Recording;
    const changed = JSON.parse(renameStep(JSON.stringify(history), 'releaseDraft', 'dropDraft'));
    expect(changed).not.toEqual(history);
    expect(Object.keys(await failures(new Map([[name, { workflowId, history: changed }]])))).toEqual([name]);
  });

  it('hold ids and codes only', () => {
    const words = [
      'example.org',
      'customer.example',
      'reader',
      'Here they are',
      'The minutes',
      'shorter',
      'they answered',
    ];
    for (const [name, { history }] of recorded) {
      expect([name, tracesIn(Buffer.from(JSON.stringify(history)), words)]).toEqual([name, []]);
    }
  });
});
