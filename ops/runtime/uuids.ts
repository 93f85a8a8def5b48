// Knows the order of UUIDs: the first of all, and when a UUIDv7 was made.

/** Comes before every id: pages by id begin after it. It also stands for the id of a row that has none. */
export const FIRST_UUID = '00000000-0000-0000-0000-000000000000';

/** Returns when a UUIDv7 was made, in milliseconds since 1970; null for any other UUID. */
export const timeOfUuid = (id: string): number | null =>
  id[14] === '7' ? Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) : null;

/** Returns what comes before every UUIDv7 of this time and later. @param ms since 1970 */
export function firstUuidOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
