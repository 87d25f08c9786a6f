// `k8ts server`: store, cache, API server, controllers and scheduler in one process, or some of them.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KindCatalog, storedKinds } from '../api/catalog';
import { registry } from '../api/registry';
import { loadSchemas } from '../api/schema/load';
import { virtualResources } from '../api/virtual';
import type { AuthenticationOptions } from '../apiserver/access';
import { ApiServer } from '../apiserver/api-server';
import { openCache } from '../apiserver/cache/open';
import { defaultRingBounds } from '../apiserver/cache/replay-ring';
import type { LimitOptions } from '../apiserver/flowcontrol/options';
import type { FindPath } from '../apiserver/packet-path/path-finder';
import type { UserInfo } from '../apiserver/request';
import { ServedKinds } from '../apiserver/served-kinds';
import { cidrAddress, formatAddress, parseCidrPair } from '../base/cidr';
import { systemClock } from '../base/clock';
import { BadRequest, Unavailable } from '../base/errors';
import type { Logger } from '../base/logger';
import { Scope } from '../base/scope';
import type { Client } from '../client/client';
import { connect } from '../client/connect';
import { createClient } from '../client/rest-client';
import { BuiltPageFiles } from '../console/server/page-files';
import { ConsolePages } from '../console/server/pages';
import { renewEtcdPki } from '../pki/etcd';
import { ensurePki, readAuthority, readTokenKey, type ServerNames } from '../pki/pki';
import { type CommandContext, defineCommand } from '../process/process';
import { openStore } from '../store/open';
import { retentionFor } from '../store/retention';
import { readAudit } from './audit-options';
import { closeAuthorization, followAuthorization, readAuthorization } from './authorization-options';
import { openEncryption } from './encryption';
import { readFrontProxy } from './front-proxy-options';
import { readKeys } from './keys';
import { followAuthentication, readAuthentication } from './oidc-options';
import { serverOptions } from './options';
import { readSchedulerConfig } from './scheduler-options';
import { serveStore } from './store/socket';
import { readStoreSpec } from './store-options';
import { ownIssuers, readIssuer } from './token-options';
import { readTokenWebhook } from './token-webhook-options';

type Context = CommandContext<typeof serverOptions>;

const controllerManager: UserInfo = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };
const kubeScheduler: UserInfo = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };

/** What other layers give: the composition root passes it in. */
export interface ServerParts {
  readonly findPath: FindPath;
}

export const serverCommand = (parts: ServerParts) =>
  defineCommand({
    name: 'server',
    summary: 'API server, controllers and scheduler',
    options: serverOptions,
    run: (context) => runServer(context, parts),
  });

async function runServer(context: Context, parts: ServerParts): Promise<void> {
  const scope = new Scope();
  try {
    await runParts({ ...context, ...parts }, scope);
  } finally {
    await scope.close();
  }
}

async function runParts({ options, log, signal, findPath }: Context & ServerParts, scope: Scope): Promise<void> {
  const { parts } = options;
  // A fault of the file ends the process before it does anything.
  const config = await readSchedulerConfig(options);
  const catalog = new KindCatalog([...registry, ...virtualResources]);
  const opened = parts.includes('apiserver')
    ? await openApi(options, catalog, { log, signal, findPath }, scope)
    : undefined;
  const api = opened?.api;
  if (!api && options.kubeconfig === '') {
    throw new BadRequest('--kubeconfig is required when apiserver is not among --parts');
  }
  // A part that fails ends the process: a supervisor starts the process again, so no server runs with only some of its parts.
  const stop = new AbortController();
  const end = AbortSignal.any([signal, stop.signal]);
  const running: Promise<void>[] = [];
  const clientFor = async (user: UserInfo): Promise<Client> => {
    // managedFields then have upstream's names: kube-controller-manager and kube-scheduler.
    const client = { userAgent: user.name.replace('system:', '') };
    return api ? createClient(api.transport(user), client) : connect(options.kubeconfig, client);
  };
  if (opened?.storeEnded) running.push(failWith(opened.storeEnded, end));
  if (api) running.push(keepCertificates(api, options, log, end));
  const identity = identityOf(options);
  if (parts.includes('controllers')) {
    const { clusterCidr, loadBalancerPool } = options;
    const caPem = await readFile(join(options.pkiDir, 'ca.crt'), 'utf8');
    const client = await clientFor(controllerManager);
    const { runControllers } = await import('../controllers/main');
    const ranges = { clusterCidr, loadBalancerPool };
    const authority = await readAuthority(options.pkiDir);
    const signing = authority ? { signing: { authority, maxLifetimeMs: options.clusterSigningDuration } } : {};
    const tokenKey = await readTokenKey(options.pkiDir);
    const given = { ...ranges, caPem, ...signing, ...(tokenKey ? { tokenKey } : {}), ...identity };
    running.push(
      runControllers({ catalog: api?.kinds() ?? catalog, client, log: log.child('controllers'), ...given }, end),
    );
  }
  if (parts.includes('scheduler')) {
    const client = await clientFor(kubeScheduler);
    const { runScheduler } = await import('../scheduler/main');
    const given = config ? { config } : {};
    running.push(runScheduler({ client, log: log.child('scheduler'), ...given, ...identity }, end));
  }
  try {
    await Promise.race([aborted(signal), ...running]);
  } finally {
    stop.abort();
    await Promise.allSettled(running);
  }
}

/** The name of this server in the Leases of its leaders; none when there can be no other server. */
function identityOf({ nodeName, store }: Context['options']): { readonly identity?: string } {
  if (nodeName !== '') return { identity: nodeName };
  // Upstream's form.
  return store.kind === 'etcd' ? { identity: `${hostname()}_${randomUUID()}` } : {};
}

/** How often the server checks its certificates; it renews them 90 days before they end. */
const renewalMs = 12 * 3_600_000;

/** Renews the certificates of a server that runs for years. Never rejects. */
async function keepCertificates(api: ApiServer, options: Context['options'], log: Logger, signal: AbortSignal) {
  for (;;) {
    try {
      await systemClock.sleep(renewalMs, signal);
      const made = await ensureCertificates(options);
      for (const file of made) log.info('key or certificate created', { file });
      if (made.length > 0) api.renew(await readKeys(options.pkiDir));
    } catch (error) {
      if (signal.aborted) return;
      log.warn('server certificates could not be renewed; the next check tries again', { error });
    }
  }
}

/** Those of etcd, too, if they are this cluster's own. The connection reads them again when etcd refuses the old ones. */
const ensureCertificates = async (options: Context['options']): Promise<readonly string[]> => [
  ...(await ensurePki(options.pkiDir, serverNames(options))),
  ...(await renewEtcdPki(options.pkiDir)),
];

function serverNames({ advertiseAddress, serviceCidr, clusterDomain, bindAddress }: Context['options']): ServerNames {
  const serviceAddress = formatAddress(cidrAddress(parseCidrPair(serviceCidr)[0]!, 1));
  const extraHosts = bindAddress === '0.0.0.0' ? [] : [bindAddress];
  return { advertiseAddress, serviceAddress, clusterDomain, extraHosts };
}

async function openApi(
  options: Context['options'],
  catalog: KindCatalog,
  { log, signal, findPath }: Pick<Context, 'log' | 'signal'> & ServerParts,
  scope: Scope,
): Promise<{ readonly api: ApiServer; readonly storeEnded?: AbortSignal }> {
  const { dataDir, pkiDir, advertiseAddress, serviceCidr, clusterDomain } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  for (const made of await ensureCertificates(options)) log.info('key or certificate created', { file: made });
  const erases = options.encryptionProviderConfig !== '';
  const spec = await readStoreSpec(options, { dataDir, erases });
  const retention = retentionFor(options.etcdCompactionInterval);
  const kept = await openStore(spec, { log: log.child('store'), retention });
  scope.defer(() => kept.close());
  const stop = new AbortController();
  scope.defer(() => stop.abort());
  if (kept.files) await serveStore({ dataDir, store: kept, files: kept.files, log: log.child('store') }, stop.signal);
  const store = await openEncryption(kept, options, { clock: systemClock, log: log.child('store') }, stop.signal);
  // A watch can resume from as far back as the store keeps history.
  const ring = { ...defaultRingBounds, maxAgeMs: Math.max(defaultRingBounds.maxAgeMs, retention.keepMs) };
  const cache = await openCache(store, storedKinds(catalog), { log: log.child('cache'), signal, ring });
  scope.defer(() => cache.close());
  const tokenFile = options.tokenFile === '' ? {} : { tokenFile: await readFile(options.tokenFile, 'utf8') };
  const audit = await readAudit(options);
  scope.defer(() => audit?.webhook?.transport.close());
  const authorization = await readAuthorization(options);
  scope.defer(() => closeAuthorization(authorization));
  const frontProxy = await readFrontProxy(options);
  const tokenWebhook = await readTokenWebhook(options);
  scope.defer(() => tokenWebhook?.transport.close());
  const api = new ApiServer(
    {
      bindAddress: options.bindAddress,
      port: options.securePort,
      advertiseAddress,
      serviceCidr,
      clusterDomain,
      keys: await readKeys(pkiDir),
      localComponents: localComponents(options.parts),
      ...tokenFile,
      ...(tokenWebhook ? { tokenWebhook } : {}),
      ...(frontProxy ? { frontProxy } : {}),
      ...(audit ? { audit } : {}),
      console: options.console,
      issuer: await readIssuer(options),
      authorization,
      authentication: await readAuthentication(options, ownIssuers(options)),
      limits: readLimits(options),
      allowServiceExternalIps: options.allowServiceExternalIps,
      ownersFromCreate: options.managedFields === 'all',
      podSecurity: { defaults: options.podSecurityDefaults, exemptions: options.podSecurityExemptions },
    },
    {
      catalog,
      schemas: loadSchemas(),
      cache,
      writeProblem: () => kept.problem?.(),
      kinds: new ServedKinds(catalog, cache),
      clock: systemClock,
      log: log.child('apiserver'),
      findPath,
      ...(options.console ? { pages: new ConsolePages(new BuiltPageFiles()) } : {}),
    },
  );
  scope.defer(() => api.close());
  await api.open();
  const deps = { clock: systemClock, log };
  const authenticate = (changed: AuthenticationOptions) => api.useAuthentication(changed);
  void followAuthentication(options, ownIssuers(options), authenticate, deps, stop.signal);
  void followAuthorization(options, (changed) => api.useAuthorization(changed), deps, stop.signal);
  return { api, ...(kept.ended ? { storeEnded: kept.ended } : {}) };
}

const localComponents = (parts: readonly string[]): string[] => [
  ...(parts.includes('scheduler') ? ['scheduler'] : []),
  ...(parts.includes('controllers') ? ['controller-manager'] : []),
];

/** @throws BadRequest */
function readLimits(options: Context['options']): LimitOptions {
  const { maxRequestsInflight, maxMutatingRequestsInflight, enablePriorityAndFairness } = options;
  if (enablePriorityAndFairness && maxRequestsInflight + maxMutatingRequestsInflight === 0) {
    throw new BadRequest('--max-requests-inflight and --max-mutating-requests-inflight: one must be above 0');
  }
  return { maxRequestsInflight, maxMutatingRequestsInflight, enablePriorityAndFairness };
}

/** Rejects when the store can go on only in a new process. */
async function failWith(ended: AbortSignal, signal: AbortSignal): Promise<void> {
  await aborted(AbortSignal.any([ended, signal]));
  if (ended.aborted) throw new Unavailable('the store has ended; the next start of the server opens it again');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
