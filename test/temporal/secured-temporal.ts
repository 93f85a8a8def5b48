// A Countersign that reaches the Temporal of the tests through a front with TLS and API keys.
import { checkCommand } from '../../ops/check/main';
import { freePort } from '../../ops/local/ports';
import type { Authority } from '../support/certificates';
import type { Environment, ServiceProcess } from '../support/processes';
import { runHere } from '../support/run-command';
import { testServers } from '../support/servers';
import { TestService } from '../support/service';
import { type FrontOptions, TemporalFront } from '../support/temporal-front';
import { until } from '../support/until';

export const KEY = 'the-right-key-of-the-tests';

export interface Readiness {
  status: number;
  checks: Record<string, string>;
}

export const openFront = (authority: Authority, options: Partial<FrontOptions> = {}) =>
  TemporalFront.open({ to: testServers().temporal, authority, ...options });

export async function createSecured(front: TemporalFront, authority: Authority): Promise<TestService> {
  return TestService.create({
    environment: {
      TEMPORAL_ADDRESS: front.address,
      TEMPORAL_API_KEY: KEY,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.cert,
      WORKER_PORT: String(await freePort()),
    },
  });
}

/** Returns what /ready says on this port; null while nobody listens. */
export async function readiness(port: string | undefined): Promise<Readiness | null> {
  const response = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => null);
  if (!response) return null;
  const { checks } = (await response.json()) as { checks: Record<string, string> };
  return { status: response.status, checks };
}

export const untilSays = (port: string | undefined, temporal: string) =>
  until(`/ready says ${temporal}`, async () => {
    const said = await readiness(port);
    return said?.checks.temporal === temporal ? said : null;
  });

/** Returns the line of `npm run check` about the connection to Temporal, its remedy, and the exit code. */
export async function checkConnection(environment: Environment) {
  const { code, output } = await runHere(checkCommand, ['--json'], environment);
  const { findings } = JSON.parse(output) as { findings: { check: string; found: string; remedy: string | null }[] };
  const finding = findings.find(({ check }) => check === 'Temporal: connection');
  return { code, output, found: finding?.found, remedy: finding?.remedy };
}

/** Returns the fields of each line with this event. */
export function logged(process: ServiceProcess, event: string): Record<string, unknown>[] {
  const lines = process.log.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === event);
}
