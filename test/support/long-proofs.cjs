// Proofs that take long: of each kind `npm test` holds one, drawn anew in each run, and `npm run test:long` all of them.
const { createHash } = require('node:crypto');

/** By kind: test files below test/, without their ending. */
const LONG_PROOFS = {
  'a restore': ['restore/restore', 'restore/whole', 'restore/exact', 'restore/killed'],
  'rewound time': ['rewind/mark-sent', 'rewind/processes', 'rewind/random-histories', 'rewind/reconcile'],
  'what is killed and frozen': ['recovery/worker', 'recovery/servers', 'recovery/api', 'recovery/erasure'],
  'an erasure': ['user-erasure/races', 'user-erasure/without-a-purger', 'user-erasure/holds', 'privacy/canary-erasure'],
  'who is left out': ['erasure-scan/temporal', 'erasure-ledger/replay', 'privacy/canary'],
  'the lane': ['delivery/outage', 'delivery/journal', 'suppressions/lane', 'suppressions/race'],
  upkeep: ['backup/sets', 'retention/retention-process'],
  'the lock': ['operations/lock', 'operations/exclusion', 'operations/builds'],
  'an operator’s commands': ['recovery-commands/commands', 'recovery-commands/api'],
  'what installs itself': ['prisma/migrations', 'recovery-tools/archiving'],
};

/** @param {string} sample the same draws the same */
function drawLongProofs(sample) {
  const held = Object.entries(LONG_PROOFS).map(([kind, files]) => {
    const digest = createHash('sha256').update(`${sample} ${kind}`).digest();
    return files[digest.readUInt32BE(0) % files.length];
  });
  const leftOut = Object.values(LONG_PROOFS)
    .flat()
    .filter((file) => !held.includes(file));
  return { held, leftOut };
}

module.exports = { LONG_PROOFS, drawLongProofs };
