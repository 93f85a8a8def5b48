// Test files run in Node's own realm: an Error or a Promise of a module that is loaded once for all of them (runtime.cjs) is
// one for the tests, too. What a file sets in `process.env` goes with it.
const asyncHooks = require('node:async_hooks');
const vm = require('node:vm');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { TestEnvironment } = require('jest-environment-node');

// Jest has no setting for it.
const { compileFunction } = vm;
vm.compileFunction = (code, parameters, options) =>
  compileFunction(code, parameters, { ...options, parsingContext: undefined });

// jest-circus makes one for each file and leaves it on, and each that is on slows every promise.
const storages = new Set();
asyncHooks.AsyncLocalStorage = class extends asyncHooks.AsyncLocalStorage {
  constructor(...options) {
    super(...options);
    storages.add(this);
  }
};

module.exports = class extends TestEnvironment {
  #given = { ...process.env };

  constructor(config, context) {
    super(config, context);
    // Where jest keeps what it needs of a realm, under symbols.
    for (const key of Object.getOwnPropertySymbols(this.global)) globalThis[key] = this.global[key];
    this.global = globalThis;
    this.fakeTimersModern = new ModernFakeTimers({ config: config.projectConfig, global: globalThis });
  }

  async teardown() {
    for (const name of Object.keys(process.env)) if (!(name in this.#given)) delete process.env[name];
    Object.assign(process.env, this.#given);
    // What jest.setTimeout has set is the file's own.
    delete globalThis[Symbol.for('TEST_TIMEOUT_SYMBOL')];
    for (const storage of storages) storage.disable();
    storages.clear();
    await super.teardown();
  }
};
