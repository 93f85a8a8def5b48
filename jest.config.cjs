const { drawLongProofs } = require('./test/support/long-proofs.cjs');

const { COUNTERSIGN_TEST_LONG, COUNTERSIGN_TEST_SAMPLE: sample } = process.env;
const isLongRun = COUNTERSIGN_TEST_LONG === '1';
const leftOut = sample ? drawLongProofs(sample).leftOut.map((file) => `/test/${file}\\.test\\.ts$`) : [];

// One PostgreSQL, Redis and Temporal for the whole run (test/support/global-setup.ts); see docs/development.md.
module.exports = {
  testEnvironment: '<rootDir>/test/support/jest/environment.cjs',
  runtime: '<rootDir>/test/support/jest/runtime.cjs',
  testSequencer: '<rootDir>/test/support/jest/sequencer.cjs',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...(isLongRun ? [] : ['\\.long\\.test\\.ts$', ...leftOut])],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.countersign'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testTimeout: isLongRun ? 900_000 : 300_000,
};
