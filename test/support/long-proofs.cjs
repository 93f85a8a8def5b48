// Proofs that take long: of each kind `npm test` holds one, drawn anew in each run, and `npm run test:long` all of them.
const { createHash } = require('node:crypto');

/** By kind: test files below test/, without their ending. */
const LONG_PROOFS = {
  'a restore': ['restore/restore', 'restore/whole', 'restore/erased-since', 'restore/exact', 'restore/killed'],
  'what a restore needs': ['restore/refusals', 'restore/drill', 'restore/s3', 'restore/cluster-retention'],
  'rewound time': ['rewind/mark-sent', 'rewind/processes', 'rewind/random-histories', 'rewind/reconcile'],
  'a database that went back': [
    'continuity/rewound',
    'continuity/failover',
    'continuity/copies',
    'continuity/during-restore',
    'continuity/random-cuts',
  ],
  'what is killed and frozen': [
    'recovery/worker',
    'recovery/postgres',
    'recovery/temporal',
    'recovery/api',
    'recovery/erasure',
    'recovery/drain',
    'recovery/dependencies',
    'recovery/bad-servers',
  ],
  'an erasure': ['user-erasure/races', 'user-erasure/without-a-purger', 'user-erasure/holds', 'privacy/canary-erasure'],
  'an export': ['person-export/large', 'person-export/killed'],
  'what an erasure meets': ['user-erasure/members', 'user-erasure/in-between'],
  'where a person may be left': ['erasure-scan/temporal', 'erasure-ledger/replay', 'privacy/canary'],
  'the lane': ['delivery/outage', 'delivery/journal', 'suppressions/lane', 'suppressions/race'],
  'HubSpot in trouble': ['crm-sync/trouble', 'crm-sync/erasure'],
  'the lock': ['operations/lock', 'operations/exclusion', 'operations/builds', 'operations/lane-builds'],
  'what operators see': ['operations/stuck'],
  upkeep: ['backup/sets', 'retention/retention-process', 'recovery-commands/commands', 'recovery-commands/api'],
  'what is installed': ['prisma/migrations', 'recovery-tools/archiving', 'local/runbook'],
  'what operators set up': [
    'observability/prometheus',
    'production/production',
    'production/plain-role',
    'restore/own-host',
    'recovery-tools/shutdown',
  ],
  'what is signed': ['audit-trail/process', 'audit-trail/verify'],
};

/** @param {string} sample the same draws the same */
function drawLongProofs(sample) {
  const held = Object.entries(LONG_PROOFS).map(([kind, files]) => files[draw(sample, kind, files.length)]);
  const leftOut = Object.values(LONG_PROOFS)
    .flat()
    .filter((file) => !held.includes(file));
  return { held, leftOut };
}

/** @returns less than `count` */
const draw = (sample, what, count) => createHash('sha256').update(`${sample} ${what}`).digest().readUInt32BE(0) % count;

module.exports = { LONG_PROOFS, draw, drawLongProofs };
