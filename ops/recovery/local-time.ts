// A time as a person at night writes it: with its offset, or in the machine's zone, where an hour may be missing or come twice.
import { WrongUsage } from '../command';

export interface UnderstoodTime {
  /** ISO 8601 in UTC, with as many digits of the second as were given. */
  utc: string;
  /** In the zone, with the zone. */
  local: string;
}

const GIVEN = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;
const DAY_MS = 86_400_000;

/** Throws WrongUsage where it is no time, not one time, or not yet. */
export function readTime(given: string, zone = machineZone(), now = Date.now()): UnderstoodTime {
  const parts = GIVEN.exec(given.trim());
  if (!parts) {
    throw new WrongUsage(
      `--pitr: "${given}" is not understood. Write a day and a time of day, with an offset if it is not this machine's.`,
    );
  }
  const [year, month, day, hour, minute, second = 0] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // Reckoned as if it were UTC.
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  if (isoSeconds(asUtc) !== `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6] ?? '00'}`) {
    throw new WrongUsage(`--pitr: there is no ${given}.`);
  }
  const offset = parts[8];
  const at = offset ? asUtc - offsetMs(offset) : inZone(asUtc, zone, given);
  if (at > now) throw new WrongUsage(`--pitr: ${describe(at, zone)} (${isoSeconds(at)}Z) has not come yet.`);
  return { utc: `${isoSeconds(at)}${parts[7] ? `.${parts[7]}` : ''}Z`, local: describe(at, zone) };
}

export const machineZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** An instant in the zone, with its name, for people. */
export const describeTime = (utc: string, zone = machineZone()) => describe(Date.parse(utc), zone);

function inZone(asUtc: number, zone: string, given: string): number {
  // Clocks change by hours and never twice in two days.
  const offsets = new Set([asUtc - DAY_MS, asUtc + DAY_MS].map((at) => zoneOffset(at, zone)));
  const fitting = [...offsets].map((offset) => asUtc - offset).filter((at) => zoneOffset(at, zone) === asUtc - at);
  const [only, other] = fitting.sort((a, b) => a - b);
  if (only === undefined) {
    throw new WrongUsage(
      `--pitr: there was no ${given} in ${zone}: the clocks were put forward over it. Give an offset, or Z for UTC.`,
    );
  }
  if (other !== undefined) {
    const meant = [only, other].map((at) => `${isoSeconds(at).replace('T', ' ')}Z`);
    throw new WrongUsage(
      `--pitr: ${given} came twice in ${zone}, as the clocks were put back: say which one you mean, ${meant.join(' or ')}.`,
    );
  }
  return only;
}

const isoSeconds = (at: number) => new Date(at).toISOString().slice(0, 19);

function offsetMs(given: string): number {
  const parts = /^([+-])(\d\d):?(\d\d)?$/.exec(given);
  if (!parts) return 0;
  return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3] ?? 0)) * 60_000;
}

/** What the zone's clocks show at this instant, less UTC. */
function zoneOffset(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = fields(at, zone);
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) - at;
}

function describe(at: number, zone: string): string {
  const { year, month, day, hour, minute, second } = fields(at, zone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second} ${zone}`;
}

function fields(at: number, zone: string): Record<string, string> {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}
