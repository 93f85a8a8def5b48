// Where the inventory and what is really there part: unclassified, classified twice, or stale.
import { COLUMNS, LINKS, STORES } from '../../prisma/data-inventory';

const LEADS_SOMEWHERE = /_(URL|DSN|ADDRESS)$/;

/** @param schema the text of schema.prisma
 *  @param environment the text of .env.example */
export function findFaults(schema: string, environment: string): string[] {
  return [...columnFaults(schema), ...storeFaults(environment)];
}

function columnFaults(schema: string): string[] {
  const models = readModels(schema);
  const classified = Object.entries(COLUMNS).flatMap(([model, groups]) =>
    groups.flatMap(({ fields }) => fields.split(' ').map((field) => `${model}.${field}`)),
  );
  const present = new Set([...models].flatMap(([model, fields]) => fields.map((field) => `${model}.${field}`)));
  return [
    ...[...present].filter((column) => !classified.includes(column)).map((column) => `${column} has no class`),
    ...classified.filter((column) => !present.has(column)).map((column) => `${column} is classified and not there`),
    ...classified
      .filter((column, i) => classified.indexOf(column) !== i)
      .map((column) => `${column} is classified twice`),
  ];
}

function storeFaults(environment: string): string[] {
  const settings = [...environment.matchAll(/^#?\s?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name as string);
  const named = [...STORES.flatMap((store) => store.settings), ...LINKS];
  return [
    ...settings
      .filter((setting) => LEADS_SOMEWHERE.test(setting) && !named.includes(setting))
      .map((setting) => `${setting} leads to a store that has no class`),
    ...named
      .filter((setting) => !settings.includes(setting))
      .map((setting) => `${setting} is named by a store and is no setting`),
  ];
}

/** The columns of each model; what leads to another model is no column. */
export function readModels(schema: string): Map<string, string[]> {
  const blocks = [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(
    ([, name, body]) => [name, body] as [string, string],
  );
  const names = new Set(blocks.map(([name]) => name));
  return new Map(
    blocks.map(([name, body]) => {
      const fields = [...body.matchAll(/^ {2}(\w+)\s+(\w+)/gm)];
      return [name, fields.filter(([, , type]) => !names.has(type as string)).map(([, field]) => field as string)];
    }),
  );
}
