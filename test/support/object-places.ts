// The S3 of a test file or a describe: a server of its own, to which the process's environment leads meanwhile.
import { pathToFileURL } from 'node:url';
import { newFolder } from './environment';
import { type S3Server, startS3Server } from './s3-server';

export type UsedS3 = Omit<S3Server, 'stop'>;

export function useS3Server(): UsedS3 {
  const before = { ...process.env };
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
    Object.assign(process.env, server.environment);
  }, 600_000);
  afterAll(async () => {
    process.env = before;
    await server?.stop();
  });
  return {
    get environment() {
      return server.environment;
    },
    createBucket: (options) => server.createBucket(options),
    client: () => server.client(),
  };
}

/** For `each`: a folder, and a prefix of a bucket with versions; a new one at each call. */
export const objectPlaces = (s3: UsedS3, prefix: string): [string, () => Promise<string>][] => [
  ['in a folder', async () => pathToFileURL(newFolder('objects')).href],
  ['in S3', async () => `s3://${await s3.createBucket({ versioned: true })}/${prefix}`],
];
