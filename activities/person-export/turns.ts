// Lets a few work at once; the others wait for their turn, in order.

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** @param most how many work at once */
export function createTurns(most: number): InTurn {
  let active = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (active < most) active += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The turn is handed on as it is, so that nobody who comes now takes it first.
      const next = waiting.shift();
      if (next) next();
      else active -= 1;
    }
  };
}
