// Lists where PostgreSQL holds text in which a person may be mentioned. Index, purge, export and replay go by this list; a test
// holds it to the catalogue, and the triggers of the index to it.

/**
 * How a column holds addresses: as one whole value, or anywhere in words, in JSON, in an array of words, or in a key that no
 * two rows may share.
 */
export type TextKind = 'address' | 'text' | 'json' | 'list' | 'key';

export interface TextPlace {
  table: string;
  /** The columns that identify a row: a UUID, a number, or both. */
  id: string | null;
  part: string | null;
  columns: Record<string, TextKind>;
}

export const TEXT_PLACES = [
  place('revisions', { subject: 'text', body: 'text', html: 'text' }, { id: 'draft_id', part: 'revision' }),
  place('verdicts', { comment: 'text' }),
  place('notes', { text: 'text' }),
  place('drafts', {
    to: 'address',
    reply_to: 'address',
    campaign: 'text',
    idempotency_key: 'key',
    metadata: 'json',
    decision: 'json',
  }),
  place('attachments', { name: 'text', type: 'text' }),
  place('policies', { document: 'json' }, { id: null, part: 'version' }),
  place('legal_holds', { reason: 'text' }),
  place('suppressions', { email: 'address', reason: 'text' }),
  place('erasures', { extension_reason: 'text' }),
  place('principals', { name: 'text', email: 'address' }),
  place('api_keys', { groups: 'list' }),
  place('operator_notes', { text: 'text' }),
] as const satisfies TextPlace[];

export type TextTableName = (typeof TEXT_PLACES)[number]['table'];

const kindOf = (table: string, column: string): TextKind | undefined =>
  (TEXT_PLACES as readonly TextPlace[]).find((one) => one.table === table)?.columns[column];

/** Columns whose whole value is one address: they are compared, and never searched. */
export const isAddressColumn = (table: string, column: string): boolean => kindOf(table, column) === 'address';
/** Columns that clients write. */
export const isTextColumn = (table: string, column: string): boolean => kindOf(table, column) !== undefined;

function place<Table extends string>(
  table: Table,
  columns: Record<string, TextKind>,
  { id, part }: { id: string | null; part: string | null } = { id: 'id', part: null },
) {
  return { table, id, part, columns };
}
