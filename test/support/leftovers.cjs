// Which processes this run started and has not seen end; for the end of the run, however it ends.
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const register = (folder) => join(folder, 'processes');

const noteStart = (folder, pid) => appendFileSync(register(folder), `+${pid}\n`);
const noteEnd = (folder, pid) => {
  if (existsSync(folder)) appendFileSync(register(folder), `-${pid}\n`);
};

/** Its parent may be gone, and nobody asks for its exit code. */
function hasEnded(pid) {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && / Z /.test(readFileSync(stat, 'utf8'));
}

/** Ends what is left, and says how many that were. */
function endLeftovers(folder) {
  if (!existsSync(register(folder))) return 0;
  const left = new Set();
  for (const line of readFileSync(register(folder), 'utf8').split('\n').filter(Boolean)) {
    if (line.startsWith('+')) left.add(Number(line));
    else left.delete(Math.abs(Number(line)));
  }
  let ended = 0;
  for (const pid of left) {
    if (hasEnded(pid)) continue;
    try {
      process.kill(pid, 'SIGKILL');
      ended += 1;
    } catch {
      // Gone already.
    }
  }
  return ended;
}

module.exports = { noteStart, noteEnd, endLeftovers };
