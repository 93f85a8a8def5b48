// `npm test -- --record` records the scenarios that have no history yet (README.md says who may). No part of `npm test`.
import { RestoredService } from '../restore/restored-service';
import { TestService } from '../support/service';
import { keepRecording, recordings } from './histories';
import { RECOVERY_SCENARIOS, SCENARIO_NAMES } from './recovery-scenarios';
import { type Recorded, SCENARIOS } from './scenarios';

const isMissing = ([name]: [name: string, scenario: unknown]) => !recordings().has(name);

async function record(name: string, { temporal }: TestService, { workflowId, runId }: Recorded): Promise<void> {
  keepRecording(name, workflowId, await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory());
}

describe('recording', () => {
  for (const [name, scenario] of Object.entries(SCENARIOS).filter(isMissing)) {
    it(name, async () => {
      const service = await TestService.create();
      service.startWorker();
      await record(name, service, await scenario(service)).finally(() => service.close());
    }, 150_000);
  }

  for (const [name, scenario] of Object.entries(RECOVERY_SCENARIOS).filter(isMissing)) {
    it(name, async () => {
      const service = await RestoredService.start();
      await record(name, service.base, await scenario(service)).finally(() => service.close());
    });
  }

  it('has recorded every scenario', () => {
    expect([...recordings().keys()].sort()).toEqual(SCENARIO_NAMES);
  });
});
