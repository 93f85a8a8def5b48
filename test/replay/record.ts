// `npm test -- --record` records the scenarios that have no history yet (README.md says who may). No part of `npm test`.

import { makeNextRelease } from '../releases/next-release';
import { ReleaseInstallation } from '../releases/release-installation';
import { RestoredService } from '../restore/restored-service';
import { TestService } from '../support/service';
import { keepRecording, recordings } from './histories';
import { RECOVERY_SCENARIOS, SCENARIO_NAMES } from './recovery-scenarios';
import { NEXT, RELEASE_SCENARIOS } from './release-scenarios';
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

  const missing = Object.entries(RELEASE_SCENARIOS).filter(isMissing);
  if (missing.length > 0) {
    // Each begins with what the one before has left.
    it('releases', async () => {
      const installation = await ReleaseInstallation.start();
      const sources = await makeNextRelease(installation.folder, `${installation.folder}-next`, {
        version: NEXT,
        column: 'colour',
      });
      const client = await installation.openTemporal();
      for (const [name, scenario] of Object.entries(RELEASE_SCENARIOS)) {
        const { workflowId } = await scenario({ installation, sources });
        if (!recordings().has(name)) {
          keepRecording(name, workflowId, await client.workflow.getHandle(workflowId).fetchHistory());
        }
      }
      await client.connection.close();
      await installation.stop();
    }, 900_000);
  }

  it('has recorded every scenario', () => {
    expect([...recordings().keys()].sort()).toEqual(SCENARIO_NAMES);
  });
});
