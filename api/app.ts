// The HTTP API: what every request passes, then a router a resource, then what no route takes.
import { parseCookie } from 'cookie';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { ConfigurationError } from '../ops/runtime/configuration';
import { deriveSecrets } from '../ops/runtime/secrets';
import { createArchiving, KEPT_BY_PROVIDER } from './archiving';
import { cookieName, createCsrf } from './csrf';
import type { AppDependencies } from './dependencies';
import { mount } from './endpoint';
import { answerFailures, noSuchRoute, onlyKnownMethods } from './failures';
import { createGdprStatus } from './gdpr-status';
import { contextOf, identify, roleGuard } from './identity';
import { createKeyRing } from './key-ring';
import { createLanes } from './lanes';
import { createLimits } from './limits';
import { createOpenApiDocument } from './openapi';
import { createRecovery } from './recovery';
import { logRequests } from './request-log';
import { createRouteNamer } from './route-patterns';
import { ATTACHMENT_PAGES } from './routes/attachment-pages';
import { attachmentsRouter } from './routes/attachments';
import { auditEndpoints } from './routes/audit';
import { auditChainEndpoints, createTrailVerifier } from './routes/audit-chain';
import { authEndpoints } from './routes/auth';
import { backupEndpoints } from './routes/backups';
import { breakerEndpoints } from './routes/circuit-breakers';
import { decisionEndpoints } from './routes/decisions';
import { docsRouter } from './routes/docs';
import { draftEndpoints } from './routes/drafts';
import { drillEndpoints } from './routes/drills';
import { erasureEndpoints } from './routes/erasures';
import { exportEndpoints } from './routes/exports';
import { gdprStatusEndpoints } from './routes/gdpr-status';
import { healthEndpoints } from './routes/health';
import { holdEndpoints } from './routes/holds';
import { keyEndpoints } from './routes/keys';
import { operationsEndpoints } from './routes/operations';
import { operatorNoteEndpoints } from './routes/operator-notes';
import { policyEndpoints } from './routes/policy';
import { releaseEndpoints } from './routes/releases';
import { restoreEndpoints } from './routes/restores';
import { retentionEndpoints } from './routes/retention';
import { stuckEndpoints } from './routes/stuck';
import { suppressionEndpoints } from './routes/suppressions';
import { unsubscribeEndpoints } from './routes/unsubscribe';
import { createStuck } from './stuck/stuck';
import { traceRequests } from './trace-requests';

export function createApp(dependencies: AppDependencies): Express {
  const { db, redis, commands, settings, logger, lifecycle, telemetry } = dependencies;
  const sessionCookie = cookieName(settings, 'session');
  const csrf = createCsrf(settings);
  const ring = createKeyRing(db);
  const secret = deriveSecrets(settings.SECRET_KEY, 'limits')[0] as Buffer;
  const limits = createLimits({ redis, keyRequestsPerMinute: settings.KEY_REQUESTS_PER_MINUTE, secret });
  const requireRole = roleGuard(dependencies);
  const verifyTrail = createTrailVerifier(dependencies);
  const recovery = createRecovery(dependencies);
  const lanes = createLanes(dependencies);

  const archiving =
    settings.POSTGRES_KEPT_BY === 'provider' ? async () => KEPT_BY_PROVIDER : createArchiving(db, dependencies.backups);

  const health = mount(requireRole, healthEndpoints(dependencies));
  // Those with a fixed name before those with an id in its place.
  const resources = mount(requireRole, [
    ...decisionEndpoints(dependencies),
    ...draftEndpoints(dependencies),
    ...policyEndpoints(dependencies),
    ...keyEndpoints(dependencies, ring),
    ...authEndpoints(dependencies, ring, csrf),
    ...auditEndpoints(dependencies),
    ...auditChainEndpoints(verifyTrail),
    ...gdprStatusEndpoints(dependencies, createGdprStatus({ ...dependencies, verifyTrail })),
    ...breakerEndpoints(dependencies, lanes),
    ...operatorNoteEndpoints(dependencies),
    ...stuckEndpoints(createStuck({ ...dependencies, lanes })),
    ...operationsEndpoints(dependencies),
    ...erasureEndpoints(dependencies),
    ...exportEndpoints(dependencies),
    ...holdEndpoints(dependencies),
    ...suppressionEndpoints(dependencies),
    ...unsubscribeEndpoints(dependencies),
    ...retentionEndpoints(dependencies),
    ...backupEndpoints(dependencies, recovery, archiving),
    ...restoreEndpoints(dependencies, recovery),
    ...drillEndpoints(dependencies, recovery),
    ...releaseEndpoints(dependencies, recovery),
  ]);
  const docs = docsRouter(() => createOpenApiDocument(routes, sessionCookie));
  const routes = [...resources.documented, ...ATTACHMENT_PAGES, ...health.documented, ...docs.documented];

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  trustProxies(app, settings.TRUST_PROXY);
  app.use(logRequests(dependencies, createRouteNamer(routes)));
  app.use(headers(lifecycle));
  app.use(readCookies);
  app.use(csrf.check);
  app.use(health.router);
  // Probes would be most of all traces.
  if (telemetry.isOn) app.use(traceRequests(telemetry));
  app.use(identify({ ring, limits, commands, adminPassword: settings.ADMIN_PASSWORD, sessionCookie, logger }));
  app.use(onlyKnownMethods(routes));
  app.use(resources.router);
  app.use(attachmentsRouter({ ...dependencies, requireRole, contextOf }));
  app.use(docs.router);
  app.use(noSuchRoute);
  app.use(answerFailures(dependencies));
  return app;
}

function headers(lifecycle: AppDependencies['lifecycle']): RequestHandler {
  const own = ["'self'"];
  const none = ["'none'"];
  const directives = {
    defaultSrc: none,
    scriptSrc: own,
    styleSrc: own,
    imgSrc: ["'self'", 'data:'],
    connectSrc: own,
    baseUri: none,
    formAction: none,
    frameAncestors: none,
  };
  const secure = helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  return (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    if (lifecycle.draining) response.setHeader('Connection', 'close');
    secure(request, response, next);
  };
}

/** Of cookies with the same name the first counts. */
const readCookies: RequestHandler = (request, _response, next) => {
  request.cookies = parseCookie(request.headers.cookie ?? '');
  next();
};

/** As Express takes it: a number of hops, or addresses and subnets. */
function trustProxies(app: Express, given: string | undefined): void {
  try {
    app.set('trust proxy', given === undefined ? false : /^\d+$/.test(given) ? Number(given) : given);
  } catch {
    throw new ConfigurationError('TRUST_PROXY must be a number of hops, or addresses and subnets with commas between.');
  }
}
