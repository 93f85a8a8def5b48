// The workflow code as a worker runs it: what the build has made, before the tests begin (test/run.mjs).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

export const workflowBundle = () => ({
  code: readFileSync(join(PACKAGE_ROOT, 'dist', 'worker', 'workflow-bundle.js'), 'utf8'),
});
