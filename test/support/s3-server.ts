// A real S3 server (versitygw) on loopback, keeping its buckets in a folder. test/run.mjs says where its program is.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, ListBucketsCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../../ops/local/ports';
import { newFolder } from './environment';
import { noteEnd, noteStart } from './leftovers.cjs';
import { testServers } from './servers';
import { until } from './until';

const execute = promisify(execFile);

export interface S3Server {
  /** The standard AWS_* variables that lead to it. */
  environment: Record<string, string>;
  createBucket(options?: { versioned?: boolean }): Promise<string>;
  client(): S3Client;
  stop(): Promise<void>;
}

/** @param tls with a certificate of its own, which AWS_CA_BUNDLE then names */
export async function startS3Server({ tls = false } = {}): Promise<S3Server> {
  const folder = newFolder('s3');
  const data = join(folder, 'data');
  const versions = join(folder, 'versions');
  mkdirSync(data);
  mkdirSync(versions);
  const accessKeyId = 'tests';
  const secretAccessKey = randomBytes(16).toString('hex');
  const port = await freePort();
  const certificate = tls ? await makeCertificate(folder) : null;
  const ca = certificate ? readFileSync(certificate.cert) : null;
  // pgBackRest compares names only.
  const endpoint = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  const server = spawn(
    process.env.COUNTERSIGN_TEST_S3_SERVER ?? 'versitygw',
    [
      '--port',
      `127.0.0.1:${port}`,
      '--keep-alive',
      '--quiet',
      ...(certificate ? ['--cert', certificate.cert, '--key', certificate.key] : []),
      'posix',
      '--versioning-dir',
      versions,
      data,
    ],
    { env: { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey }, stdio: 'ignore' },
  );
  const { pid } = server;
  const run = testServers().folder;
  if (pid !== undefined) noteStart(run, pid);
  const ended = once(server, 'exit');
  const connect = () =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      ...(ca ? { requestHandler: { httpsAgent: { ca } } } : {}),
    });
  await until('the S3 server answers', async () => {
    const client = connect();
    return client
      .send(new ListBucketsCommand({}))
      .then(
        () => true,
        () => false,
      )
      .finally(() => client.destroy());
  });
  return {
    environment: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(certificate ? { AWS_CA_BUNDLE: certificate.cert } : {}),
    },
    client: connect,
    async createBucket({ versioned = false } = {}) {
      const Bucket = `bucket-${randomBytes(6).toString('hex')}`;
      const client = connect();
      await client.send(new CreateBucketCommand({ Bucket }));
      if (versioned) {
        const VersioningConfiguration = { Status: 'Enabled' as const };
        await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
      }
      client.destroy();
      return Bucket;
    },
    async stop() {
      server.kill('SIGKILL');
      await ended;
      if (pid !== undefined) noteEnd(run, pid);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeCertificate(folder: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await execute('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert]);
  return { cert, key };
}
