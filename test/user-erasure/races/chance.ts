// Chance that a seed repeats: what is drawn, and when each actor moves.
import type pg from 'pg';

const LONGEST_SLEEP_MS = 3;
const MOST_TURNS = 12;

export class Chance {
  constructor(private state: number) {}

  /** In [0, 1): mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }
  is(share: number): boolean {
    return this.next() < share;
  }
  one<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }
  /** For an actor of its own, so that who moves first changes nobody else's draws. */
  fork(): Chance {
    return new Chance(Math.floor(this.next() * 2 ** 32));
  }

  /** Some turns of the event loop, or a few milliseconds of the database's. */
  async pause(pool: pg.Pool): Promise<void> {
    if (this.is(0.4)) await pool.query('SELECT pg_sleep($1)', [(this.next() * LONGEST_SLEEP_MS) / 1000]);
    else for (let turns = this.between(0, MOST_TURNS); turns > 0; turns--) await new Promise(setImmediate);
  }
}
