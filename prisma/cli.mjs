// Runs the Prisma CLI with the WebAssembly schema engine, so that nothing is downloaded.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const env = { CHECKPOINT_DISABLE: '1', ...process.env };
if (process.platform !== 'win32') {
  env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(new URL('./schema-engine.mjs', import.meta.url));
}
const cli = createRequire(import.meta.url).resolve('prisma/build/index.js');
spawn(process.execPath, [cli, ...process.argv.slice(2)], { stdio: 'inherit', env }).on('exit', (code) =>
  process.exit(code ?? 1),
);
