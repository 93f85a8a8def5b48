// Chance that a seed repeats: what is drawn, and when each actor moves.
import type pg from 'pg';
import { type Random, randomOf } from '../../support/random';

const LONGEST_SLEEP_MS = 3;
const MOST_TURNS = 12;

export class Chance {
  /** In [0, 1). */
  readonly next: Random;

  constructor(seed: number) {
    this.next = randomOf(seed);
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
