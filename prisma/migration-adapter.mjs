// The pg adapter, fit for migrations. Five of its gaps matter there and nowhere else: it does not know the catalog's
// internal "char" type; it cuts a script at every semicolon, those inside a function's body too; its shadow database
// is the main one where a URL is given, and is dropped while somebody is still connected to it; and its pool may use
// another session than the one that holds the migrations' lock.
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import pg from 'pg';

const CHAR = 18;
/** The catalog has no column of this type that a migration reads, so it may stand in for "char" on the way. */
const CHAR_ARRAY = 1002;
/** Every Prisma takes this advisory lock while it migrates, and so does `npm run migrate:down`. */
const MIGRATION_LOCK = 72707369;

function disguiseChars(result) {
  for (const field of result?.fields ?? []) if (field.dataTypeID === CHAR) field.dataTypeID = CHAR_ARRAY;
  return result;
}

class CatalogClient extends pg.Client {
  query(...given) {
    const done = given.at(-1);
    if (typeof done !== 'function') return super.query(...given).then(disguiseChars);
    return super.query(...given.slice(0, -1), (error, result) => done(error, disguiseChars(result)));
  }
}

function fitForMigrations(adapter) {
  const queryRaw = adapter.queryRaw.bind(adapter);
  return Object.assign(adapter, {
    async queryRaw(query) {
      const result = await queryRaw(query);
      const revealed = (type) => (type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type);
      return { ...result, columnTypes: result.columnTypes.map(revealed) };
    },
    async executeScript(script) {
      try {
        await adapter.client.query(script);
      } catch (error) {
        // Throws it in the form whose words reach the user.
        adapter.onError(error);
      }
    },
  });
}

export class MigrationAdapter extends PrismaPg {
  constructor(settings) {
    const oneSession = { ...settings, Client: CatalogClient, max: 1, idleTimeoutMillis: 0 };
    super(oneSession);
    this.settings = oneSession;
  }

  async connect() {
    const adapter = fitForMigrations(await super.connect());
    // The engine migrates by the first, and makes its shadow database by others.
    this.main ??= adapter;
    return adapter;
  }

  /**
   * Waits until no other process migrates. The engine gives up after ten seconds, which is too short while many processes
   * start at once. It finds the lock taken by its own session and goes on.
   */
  async lock() {
    await this.main.client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  }

  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const main = await this.connect();
    await main.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = fitForMigrations(await new PrismaPg({ ...this.settings, database }).connect());
    const close = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await close();
      await main.executeScript(`DROP DATABASE IF EXISTS "${database}"`);
      await main.dispose();
    };
    return shadow;
  }
}
