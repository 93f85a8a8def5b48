// What comes from node_modules is loaded once for each process of jest, not again for each test file; our own modules are
// each file's own, as ever. Without it, loading Temporal, Prisma and Express anew took a third of a run.
const { createRequire } = require('node:module');
const { sep } = require('node:path');
const { default: Runtime } = require('jest-runtime');

const FOREIGN = `${sep}node_modules${sep}`;

module.exports = class extends Runtime {
  requireModuleOrMock(from, name) {
    return isForeign(from, name) ? createRequire(from)(name) : super.requireModuleOrMock(from, name);
  }
};

function isForeign(from, name) {
  if (name.startsWith('.') || name === '@jest/globals') return false;
  try {
    return createRequire(from).resolve(name).includes(FOREIGN);
  } catch {
    // Jest says better than Node what was not found.
    return false;
  }
}
