import { builtinModules } from 'node:module';
import { workflowBundle } from '../support/workflow-bundle';

/** The files of this repository and the packages that a bundle is made of. */
function sources(): string[] {
  const { code } = workflowBundle();
  const [, map] = /\/\/# sourceMappingURL=data:application\/json;(?:charset=utf-8;)?base64,(\S+)\s*$/.exec(code) ?? [];
  return JSON.parse(Buffer.from(map as string, 'base64').toString()).sources;
}

describe('the workflow bundle', () => {
  it('holds the workflows and nothing that acts on the world', () => {
    const files = sources();
    const has = (part: string) => files.filter((file) => file.includes(part));
    expect(has('workflows/draft-approval.ts')).not.toEqual([]);
    expect(has('workflows/mail-delivery.ts')).not.toEqual([]);
    expect(has('workflows/audit-retention.ts')).not.toEqual([]);
    for (const folder of [
      '/activities/',
      '/api/',
      '/worker/',
      '/ops/',
      '/prisma/',
      '@prisma',
      'nodemailer',
      '/pg/',
      'pino',
    ]) {
      expect(has(folder).filter((file) => !file.includes('@temporalio'))).toEqual([]);
    }
  });

  it('asks for no module of Node', () => {
    const { code } = workflowBundle();
    const required = [...code.matchAll(/require\(["']([^"']+)["']\)/g)].map(([, name]) => name as string);
    expect(required.filter((name) => builtinModules.includes(name.replace(/^node:/, '')))).toEqual([]);
  });
});
