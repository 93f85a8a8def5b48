import { uuid4 } from '@temporalio/workflow';

/** A UUIDv7, the same in every replay. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid4().slice(15)}`;
}
