// Whether a chain is whole: every seal recomputed from its event and the seal before, and held to every anchor.
// Pure but for the rows and anchors that stream through it, so it is the same for the database and for an export.
import { ifCanonical } from '../../ops/runtime/canonical-json';
import type { Anchor } from './anchors';
import { type AuditRecord, hashEvent } from './canonical';
import type { Head } from './seal';

export type Fault =
  | 'checkpoint_forged'
  | 'seal_missing'
  | 'event_missing'
  | 'event_inserted'
  | 'previous_differs'
  | 'hash_differs'
  | 'anchor_forged'
  | 'anchor_differs'
  | 'tail_cut';

export interface Broken {
  position: bigint;
  fault: Fault;
}

export interface Link {
  position: bigint;
  eventId: string;
  prev: Uint8Array;
  hash: Uint8Array;
  /** Null: it is gone. */
  event: AuditRecord | null;
}

export interface Chain {
  /** What the first link follows. */
  start: Head;
  links: AsyncIterable<Link>;
  /** In order, from the start's position on. */
  anchors: AsyncIterable<Anchor>;
  /** Of an anchor beyond the last link: `later` where the chain has grown since it was read. */
  beyond(anchor: Anchor): Promise<'later' | 'cut' | 'differs'>;
  /** Called now and then. */
  progress?: (checked: number) => void;
}

export interface Checked {
  checked: number;
  anchors: number;
  /** As far as it is whole. */
  head: Head;
  /** The newest anchor that was met, whether or not its key is known. */
  anchored: bigint;
  /**
   * Ids of keys that are named as signers and that the verifier does not have. What they signed agrees with the chain and is not
   * counted: it proves nothing.
   */
  unknownKeys: string[];
  broken: Broken | null;
}

/** Anyone who can write to the store can make up ids. */
const NAMES_AT_MOST = 8;

/** Remembers a key that the verifier does not have. */
export function noteUnknownKey(found: Pick<Checked, 'unknownKeys'>, keyId: string): void {
  if (found.unknownKeys.includes(keyId) || found.unknownKeys.length >= NAMES_AT_MOST) return;
  found.unknownKeys.push(keyId);
}

const TELLS_EACH = 1_000;

export async function checkChain({ start, links, anchors, beyond, progress }: Chain): Promise<Checked> {
  const found: Checked = { checked: 0, anchors: 0, head: start, anchored: 0n, unknownKeys: [], broken: null };
  const waiting = anchors[Symbol.asyncIterator]();
  const next = async () => ((await waiting.next()).value ?? null) as Anchor | null;
  let anchor = await next();

  const count = ({ position, standing, keyId }: Anchor) => {
    if (standing === 'unknown_key') noteUnknownKey(found, keyId);
    else found.anchors += 1;
    found.anchored = position;
  };
  // Also by an unknown key: the chain and what somebody signed disagree, and a forger must not escape by naming another key.
  const differs = (anchor: Anchor, broken: Broken): Broken => {
    if (anchor.standing === 'unknown_key') noteUnknownKey(found, anchor.keyId);
    if (anchor.abandonedBy !== null) noteUnknownKey(found, anchor.abandonedBy);
    return broken;
  };

  const checkAnchors = async (): Promise<Broken | null> => {
    const { position, hash } = found.head;
    for (; anchor && anchor.position <= position; anchor = await next()) {
      if (anchor.position < position) continue;
      if (anchor.standing === 'forged') return { position, fault: 'anchor_forged' };
      if (anchor.hash !== hex(hash)) return differs(anchor, { position, fault: 'anchor_differs' });
      count(anchor);
    }
    return null;
  };
  const checkBeyond = async (): Promise<Broken | null> => {
    for (; anchor; anchor = await next()) {
      const { position, standing } = anchor;
      if (standing === 'forged') return { position, fault: 'anchor_forged' };
      const is = await beyond(anchor);
      if (is === 'cut') return differs(anchor, { position: found.head.position + 1n, fault: 'tail_cut' });
      if (is === 'differs') return differs(anchor, { position, fault: 'anchor_differs' });
      count(anchor);
    }
    return null;
  };

  try {
    found.broken = await checkAnchors();
    if (found.broken) return found;
    for await (const link of links) {
      const fault = faultOf(link, found.head);
      found.broken = fault && { position: found.head.position + 1n, fault };
      if (found.broken) return found;
      found.head = { position: link.position, hash: link.hash };
      found.checked += 1;
      found.broken = await checkAnchors();
      if (found.broken) return found;
      if (found.checked % TELLS_EACH === 0) progress?.(found.checked);
    }
    found.broken = await checkBeyond();
    return found;
  } finally {
    await waiting.return?.();
  }
}

function faultOf({ position, eventId, prev, hash, event }: Link, head: Head): Fault | null {
  if (position !== head.position + 1n) return 'seal_missing';
  if (hex(prev) !== hex(head.hash)) return 'previous_differs';
  if (!event) return 'event_missing';
  const isWhole = event.id === eventId && ifCanonical(() => hex(hashEvent(prev, event)) === hex(hash), false);
  return isWhole ? null : 'hash_differs';
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
