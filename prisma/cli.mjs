// Runs the Prisma CLI with the WebAssembly schema engine, so that nothing is downloaded.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const asksDatabase = ['migrate', 'db'].includes(args[0]);
const built = (name) => fileURLToPath(new URL(`../dist/ops/runtime/${name}.js`, import.meta.url));
const requireBuilt = (name) => createRequire(import.meta.url)(built(name));
// Before the first build nothing can read the file.
if (asksDatabase && existsSync(built('env-file'))) {
  try {
    requireBuilt('env-file').loadEnvFile();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
const { DATABASE_URL = '' } = process.env;
if (asksDatabase && !DATABASE_URL && !args.includes('--help')) {
  console.error('DATABASE_URL is required: a URL that begins with postgresql:// or postgres://. See .env.example.');
  process.exit(1);
}
// Neither this engine nor the service looks at it: the tables would silently go to another schema.
if (asksDatabase && URL.canParse(DATABASE_URL) && new URL(DATABASE_URL).searchParams.has('schema')) {
  console.error(
    'DATABASE_URL: ?schema= is not supported. Remove it, and where another schema is wanted give the role its search_path:\n' +
      '  ALTER ROLE … SET search_path = …',
  );
  process.exit(1);
}

// Prisma says `P1000`, and an operator needs the setting and the remedy.
const explains = args[0] === 'migrate' && ['deploy', 'status'].includes(args[1]);
if (explains && DATABASE_URL && existsSync(built('database-trouble'))) {
  const trouble = await requireBuilt('database-trouble').findDatabaseTrouble(DATABASE_URL, { migrated: false });
  if (trouble) {
    console.error(trouble.message);
    process.exit(1);
  }
}

const env = { CHECKPOINT_DISABLE: '1', ...process.env };
if (process.platform !== 'win32') {
  env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(new URL('./schema-engine.mjs', import.meta.url));
}
const cli = createRequire(import.meta.url).resolve('prisma/build/index.js');
spawn(process.execPath, [cli, ...args], { stdio: 'inherit', env }).on('exit', (code) => process.exit(code ?? 1));
