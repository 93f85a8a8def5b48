// On a fresh clone jest knows no durations and begins with the largest files; the minute that a restore or a kill takes
// would be waited for at the end, by itself.
const { sep } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

const LONG = [
  'backup',
  'local',
  'operations',
  'privacy',
  'prisma',
  'recovery',
  'recovery-commands',
  'restore',
  'retention',
  'rewind',
  'user-erasure',
  'workflows',
];

const isLong = ({ path }) => LONG.some((folder) => path.includes(`${sep}test${sep}${folder}${sep}`));

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
};
