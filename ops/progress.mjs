// What is being done and how long it usually takes: a bar on a terminal, a line elsewhere.

const WIDTH = 24;
const DRAW_EACH_MS = 200;
/** What runs at once; a terminal shows the one that takes longest. */
const active = new Set();
let timer = null;

/** @returns the function that ends it; told a failure, it leaves no "done" */
export function showProgress(what, usualSeconds, out = process.stdout) {
  const work = { what, usualSeconds, began: Date.now() };
  const took = () => duration((Date.now() - work.began) / 1000);
  if (!out.isTTY) {
    out.write(`· ${what} (usually about ${duration(usualSeconds)})\n`);
    return (failed = false) => {
      if (!failed && Date.now() - work.began > 3_000) out.write(`  ${what}: done after ${took()}\n`);
    };
  }
  active.add(work);
  timer ??= setInterval(draw, DRAW_EACH_MS, out).unref();
  draw(out);
  return (failed = false) => {
    active.delete(work);
    out.write(`\r\x1b[2K${failed ? '' : `✔ ${what} (${took()})\n`}`);
    if (active.size > 0) return;
    clearInterval(timer);
    timer = null;
  };
}

function draw(out) {
  const [work] = [...active].sort((a, b) => b.usualSeconds - a.usualSeconds);
  const seconds = (Date.now() - work.began) / 1000;
  // Nears its end, and reaches it only when the work does.
  const full = Math.round(WIDTH * (1 - Math.exp((-2 * seconds) / work.usualSeconds)));
  const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
  const line = `${bar} ${work.what}: ${duration(seconds)}, usually about ${duration(work.usualSeconds)}`;
  out.write(`\r\x1b[2K${line.slice(0, (out.columns || 100) - 1)}`);
}

function duration(seconds) {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
