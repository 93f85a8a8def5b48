// `npm start`: installs and builds what is missing or stale, then runs the local supervisor.
// Written so that an old Node can read it, and say what is needed.
import { spawn } from 'node:child_process';

const OLDEST = [20, 19];
const PARENT = process.ppid;

function isOldNode() {
  const parts = process.versions.node.split('.').map(Number);
  return parts[0] < OLDEST[0] || (parts[0] === OLDEST[0] && parts[1] < OLDEST[1]);
}

function start() {
  const scripts = [import('./steps.mjs'), import('./install.mjs'), import('./build.mjs'), import('./consent.mjs')];
  return Promise.all(scripts).then((modules) => {
    const root = modules[0].root;
    return modules[1]
      .install()
      .then(modules[2].build)
      .then(() => modules[3].askToInstall({ args: process.argv }))
      .then((answer) => {
        process.env.COUNTERSIGN_INSTALL = answer;
        supervise(root);
      })
      .catch((error) => {
        console.error(modules[0].tellFailure(error));
        process.exitCode = 1;
      });
  });
}

/**
 * In a session of its own, with all that it starts: Ctrl-C reaches this process alone, and the supervisor stops its servers in
 * order. It hears by the channel's end that this process was killed.
 */
function supervise(root) {
  const args = ['--enable-source-maps', `${root}/dist/ops/local/main.js`].concat(process.argv.slice(2));
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  const child = spawn(process.execPath, args, { cwd: root, stdio, detached: true });
  let isAsked = false;
  const pass = (signal) => {
    isAsked = true;
    child.kill(signal);
  };
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
    process.on(signal, pass);
  });
  // An npm that is killed passes nothing on; without it nobody knows any more that this runs.
  const watch = setInterval(() => {
    if (!isAsked && process.env.npm_lifecycle_event && process.ppid !== PARENT) pass('SIGTERM');
  }, 500);
  child.on('exit', (code, signal) => {
    clearInterval(watch);
    if (signal && !isAsked)
      console.error(
        `Countersign was ended by ${signal}. The next \`npm start\` ends what it left running, and goes on.`,
      );
    process.exitCode = code === null ? 1 : code;
  });
}

if (isOldNode()) {
  console.error(
    `Countersign needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}. Get one at https://nodejs.org, or by \`nvm install 22\`.`,
  );
  process.exitCode = 1;
} else {
  void start();
}
