// What comes from node_modules and what is built in dist/ is loaded once for each process of jest, not again for each test
// file: our modules keep nothing between calls. Without it, loading took half of a run.
const { existsSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join, relative, resolve, sep } = require('node:path');
const { default: Runtime } = require('jest-runtime');

const ROOT = resolve(__dirname, '..', '..', '..');
const TESTS = join(ROOT, 'test') + sep;
const FOREIGN = `${sep}node_modules${sep}`;

module.exports = class extends Runtime {
  requireModuleOrMock(from, name) {
    const shared = findShared(from, name);
    return shared ? createRequire(from)(shared) : super.requireModuleOrMock(from, name);
  }
};

/** What Node is to load itself; null for the tests' own modules. */
function findShared(from, name) {
  if (name.startsWith('.')) return findBuilt(resolve(dirname(from), name));
  if (name === '@jest/globals') return null;
  try {
    return createRequire(from).resolve(name).includes(FOREIGN) ? name : null;
  } catch {
    // Jest says better than Node what was not found.
    return null;
  }
}

/** The service's own module as it was built, and as the processes that tests start run it. */
function findBuilt(path) {
  if (path.startsWith(TESTS)) return null;
  const built = join(ROOT, 'dist', relative(ROOT, path));
  return [`${built}.js`, join(built, 'index.js')].find(existsSync) ?? null;
}
