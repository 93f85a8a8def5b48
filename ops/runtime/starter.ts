// Whoever started this process, at the other end of its channel.

/** Acts once they have gone, at once where they went before anybody listened. Where there is no channel, never. */
export function onStarterGone(act: () => void): void {
  process.on('disconnect', act);
  if (process.connected === false) act();
}
