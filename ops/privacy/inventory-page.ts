// The inventory for people: docs/data-inventory.md.
import { COLUMNS, STORES } from '../../prisma/data-inventory';

const HEAD = `# Data inventory

What Countersign holds about whom, for how long, and what the erasure of a person does with it. For whoever answers for the data.

Made from [prisma/data-inventory.ts](../prisma/data-inventory.ts) by \`npm run check:pii -- --write\`; \`npm run check:pii\` fails where a column or a
store is missing here, or is gone. Classes: **none** says nothing about a person; **pseudonymous** is an id or a keyed hash of one; **personal** is an
address or a name; **content** is what somebody wrote, which may say anything.

\`campaign\` and the names of policy rules outlive a draft's content: put no person into them.
`;

export function renderPage(): string {
  const tables = Object.entries(COLUMNS).map(([model, groups]) => {
    const rows = groups.map(({ fields, kept, erasure, ...group }) => [codes(fields), group.class, kept, erasure]);
    return `### ${model}\n\n${table(['Columns', 'Class', 'Kept', 'Erasure'], rows)}`;
  });
  const stores = STORES.map(({ name, holds, kept, erasure, settings, ...store }) => [
    settings.length > 0 ? `${name} (${codes(settings.join(' '))})` : name,
    store.class,
    holds,
    kept,
    erasure,
  ]);
  return [
    HEAD,
    '## Other stores\n',
    `${table(['Store', 'Class', 'Holds', 'Kept', 'Erasure'], stores)}\n`,
    '## Tables of PostgreSQL\n',
    `${tables.join('\n\n')}\n`,
  ].join('\n');
}

const codes = (names: string) =>
  names
    .split(' ')
    .map((name) => `\`${name}\``)
    .join(' ');
const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
