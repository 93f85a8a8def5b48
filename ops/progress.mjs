// What is being done and how long it usually takes: a bar on a terminal, a line elsewhere.

const WIDTH = 24;

/** @returns the function that ends it; told a failure, it leaves no "done" */
export function showProgress(what, usualSeconds, out = process.stdout) {
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  if (!out.isTTY) {
    out.write(`· ${what} (usually about ${duration(usualSeconds)})\n`);
    return (failed = false) => failed || seconds() < 3 || out.write(`  done after ${duration(seconds())}\n`);
  }
  const draw = () => {
    // Nears its end, and reaches it only when the work does.
    const share = 1 - Math.exp((-2 * (Date.now() - began)) / 1000 / usualSeconds);
    const full = Math.round(WIDTH * share);
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    const line = `${bar} ${what}: ${duration(seconds())}, usually about ${duration(usualSeconds)}`;
    out.write(`\r\x1b[2K${line.slice(0, (out.columns || 100) - 1)}`);
  };
  draw();
  const timer = setInterval(draw, 200);
  timer.unref();
  return (failed = false) => {
    clearInterval(timer);
    out.write(`\r\x1b[2K${failed ? '' : `✔ ${what} (${duration(seconds())})\n`}`);
  };
}

function duration(seconds) {
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
