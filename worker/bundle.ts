// Bundles the compiled workflows: what a worker loads, made once at build.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

export const WORKFLOW_BUNDLE = join(__dirname, 'workflow-bundle.js');

if (require.main === module) {
  void bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows'),
    // A worker ignores what it is given of these beside a bundle.
    workflowInterceptorModules: [require.resolve('../workflows/tracing')],
    logger: new DefaultLogger('WARN'),
  }).then(
    ({ code }) => writeFileSync(WORKFLOW_BUNDLE, code),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}
