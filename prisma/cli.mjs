// Runs the Prisma CLI with the WebAssembly schema engine, so that nothing is downloaded.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const { DATABASE_URL = '' } = process.env;
const asksDatabase = ['migrate', 'db'].includes(args[0]);
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

// Prisma says `P1000` where an operator needs the setting and the remedy. Before the first build there is nothing that could say it.
const explainer = fileURLToPath(new URL('../dist/ops/runtime/database-trouble.js', import.meta.url));
if (args[0] === 'migrate' && ['deploy', 'status'].includes(args[1]) && DATABASE_URL && existsSync(explainer)) {
  const trouble = await createRequire(import.meta.url)(explainer).findDatabaseTrouble(DATABASE_URL, {
    migrated: false,
  });
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
