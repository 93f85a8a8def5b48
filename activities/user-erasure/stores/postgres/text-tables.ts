// The tables of the index as an erasure changes them: which drafts a row belongs to, and which columns a mail is made of.
import { Prisma } from '../../../../prisma/client';
import { TEXT_PLACES, type TextPlace, type TextTableName } from '../../../personal-data/text-places';

export interface TextTable extends TextPlace {
  /** Of a row `t` and `drafts d`: belongs to it. The draft may be held, and one of the person's own goes as a whole. */
  belongs?: Prisma.Sql;
  /** What a mail is made of: these columns, where this holds of the row. In an open draft it changes with its revision alone. */
  mail?: { columns: string[]; isCurrent: Prisma.Sql };
}

const OF_ITS_DRAFT = { belongs: Prisma.sql`d.id = t.draft_id` };
const ALWAYS = Prisma.sql`true`;

const DRAFTS: Partial<Record<TextTableName, Pick<TextTable, 'belongs' | 'mail'>>> = {
  revisions: {
    ...OF_ITS_DRAFT,
    mail: { columns: ['subject', 'body', 'html'], isCurrent: Prisma.sql`t.revision = d.revision` },
  },
  verdicts: OF_ITS_DRAFT,
  notes: OF_ITS_DRAFT,
  drafts: { belongs: Prisma.sql`d.id = t.id`, mail: { columns: ['reply_to'], isCurrent: ALWAYS } },
  attachments: {
    belongs: Prisma.sql`EXISTS (SELECT 1 FROM draft_attachments n WHERE n.attachment_id = t.id AND n.draft_id = d.id)`,
    mail: { columns: ['name', 'type'], isCurrent: ALWAYS },
  },
};

/** Where a person may be mentioned. Principals have their own way. */
export const TEXT_TABLES: TextTable[] = TEXT_PLACES.filter(({ table }) => table !== 'principals').map((place) => ({
  ...place,
  ...DRAFTS[place.table],
}));
