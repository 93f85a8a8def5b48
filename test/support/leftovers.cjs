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

function commandLine(pid) {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8').split('\0').join(' ').slice(0, 200) : String(pid);
}

/** Ends what is left. @returns their command lines */
function endLeftovers(folder) {
  if (!existsSync(register(folder))) return [];
  const left = new Set();
  for (const line of readFileSync(register(folder), 'utf8').split('\n').filter(Boolean)) {
    if (line.startsWith('+')) left.add(Number(line));
    else left.delete(Math.abs(Number(line)));
  }
  const ended = [];
  for (const pid of left) {
    if (hasEnded(pid)) continue;
    try {
      const command = commandLine(pid);
      process.kill(pid, 'SIGKILL');
      ended.push(command);
    } catch {
      // Gone already.
    }
  }
  return ended;
}

module.exports = { noteStart, noteEnd, endLeftovers };
