// `npm test -- --record` records the scenarios that have no history yet (README.md says who may). No part of `npm test`.
import { TestService } from '../support/service';
import { keepRecording, recordings } from './histories';
import { SCENARIOS } from './scenarios';

const missing = Object.keys(SCENARIOS).filter((scenario) => !recordings().has(scenario));

let service: TestService;
beforeEach(async () => {
  service = await TestService.create();
  service.startWorker();
});
afterEach(() => service.close());

describe('recording', () => {
  for (const name of missing) {
    it(name, async () => {
      const { workflowId, runId } = await (SCENARIOS[name] as (typeof SCENARIOS)[string])(service);
      const history = await service.temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
      keepRecording(name, workflowId, history);
    }, 150_000);
  }

  it('has recorded every scenario', () => {
    expect([...recordings().keys()].sort()).toEqual(Object.keys(SCENARIOS).sort());
  });
});
