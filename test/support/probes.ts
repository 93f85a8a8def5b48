// How a mail server was approached: how often, how many at once, how long between.
import type { TestMailServer } from './mail-server';

export function breaksBetween(mail: TestMailServer) {
  const times: number[] = [];
  let mostAtOnce = 0;
  mail.onConnection = (open) => {
    times.push(Date.now());
    mostAtOnce = Math.max(mostAtOnce, open);
  };
  return {
    get count() {
      return times.length;
    },
    get mostAtOnce() {
      return mostAtOnce;
    },
    get breaks() {
      return times.slice(1).map((time, i) => time - (times[i] as number));
    },
  };
}
