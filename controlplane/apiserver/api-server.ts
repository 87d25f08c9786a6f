// Composes the API server: cache in, handler out, and a listener if requested. Composition only.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Catalog } from '../api/catalog';
import { consoleKinds } from '../api/console';
import { writeLargeIntegers } from '../api/json-text';
import { nodeTrafficKinds } from '../api/node-traffic';
import { packetPathKinds, packetPaths } from '../api/packet-path';
import { resourceMetricsKinds } from '../api/resource-metrics';
import { cidrAddress, formatAddress, formatCidr, parseCidrPair } from '../base/cidr';
import { processMetrics } from '../base/process-metrics';
import { Scope } from '../base/scope';
import type { Transport } from '../client/client';
import { createEventRecorder } from '../client/event-recorder';
import { queueMetrics } from '../client/queue-metrics';
import { createClient } from '../client/rest-client';
import { type Access, type AuthenticationOptions, type AuthorizationOptions, issuerFacts, openAccess } from './access';
import { defaultPodSecurity } from './admission/pod-security/config';
import { Aggregation } from './aggregator/aggregation';
import type { ProxyKeys } from './aggregator/remote';
import { AddressRepair } from './allocation/repair/address-repair';
import type { Auditor } from './audit/auditor';
import { openAudit } from './audit/open';
import type { Authenticator } from './authn/authenticator';
import type { Authorizer } from './authz/authorizer';
import type { RbacAuthorizer } from './authz/rbac';
import { type BootstrapOptions, bootstrapWhenPossible, keepServices } from './bootstrap';
import { ConversionMetrics } from './crd/conversion/metrics';
import { conversionOf } from './crd/conversion/webhook-conversion';
import { CustomKinds } from './crd/custom-kinds';
import { keepDangling } from './flowcontrol/dangling';
import type { RequestLimits } from './flowcontrol/limits';
import { openLimits } from './flowcontrol/open';
import { ApiHandler } from './handler';
import { healthChecks } from './health-checks';
import { HealthMetrics } from './health-metrics';
import { Listener } from './http/listener';
import { KubeletProxy } from './kubelet/proxy';
import { Metrics } from './metrics';
import { nodeTrafficHandlers } from './node-traffic/handlers';
import { KubeletTraffic } from './node-traffic/kubelet-traffic';
import { openapiHandler } from './openapi-paths';
import type { ApiServerDeps, ApiServerOptions, ServerCertificates } from './options';
import { packetPathHandlers } from './packet-path/handlers';
import { PathFinder } from './packet-path/path-finder';
import { type PathDeps, plainPaths } from './paths';
import { Peers } from './peers/peers';
import { PolicyStatus } from './policies/policy-status';
import { ProtobufAnswers } from './protobuf/answers';
import { ProtobufObjects } from './protobuf/objects';
import { BackendProxy } from './proxy/backend-proxy';
import type { UserInfo } from './request';
import { resourceMetricsHandlers } from './resource-metrics/handlers';
import { KubeletUsages } from './resource-metrics/kubelet-usages';
import { AnswerForms } from './rest/answer-forms';
import type { RestDeps } from './rest/context';
import { ListBytes } from './rest/list-bytes';
import { RouteTable } from './route';
import { renderAvailability, renderServer } from './server-metrics';
import { KindServer } from './servers/kind-server';
import { PathServer } from './servers/path-server';
import { componentStatusHandler, openComponents } from './subresources/component-statuses';
import { consoleHandlers } from './subresources/console-logins';
import { bindingHandler } from './subresources/pods';
import { reviewHandlers } from './subresources/reviews';
import { subresourceTable, upgradeTable } from './subresources/table';
import { InProcessTransport } from './transport';
import { WebhookClient } from './webhooks/client';
import { AdmissionMetrics } from './write/admission-metrics';
import { writeOrder } from './write/order';
import type { RuleDeps } from './write/rule';
import { openRules, type WriteRules } from './write/run';
import { YamlConverter } from './yaml/converter';

const loopbackUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export class ApiServer {
  private readonly scope = new Scope();
  private readonly stop = new AbortController();
  private readonly metrics = new Metrics();
  private readonly admissionMetrics = new AdmissionMetrics();
  private readonly conversionMetrics = new ConversionMetrics();
  private readonly yaml = new YamlConverter();
  private handler: ApiHandler | undefined;
  private listener: Listener | undefined;
  private proxy: KubeletProxy | undefined;
  private auditor: Auditor | undefined;
  private access: Access | undefined;
  private aggregation: Aggregation | undefined;
  private peers: Peers | undefined;
  private ready = false;
  private port = 0;

  constructor(
    private readonly options: ApiServerOptions,
    private readonly deps: ApiServerDeps,
  ) {}

  /** Loads the objects for authorization and allocation, creates the bootstrap objects, then listens. Resolves with the port. */
  async open(): Promise<number> {
    const { options, deps, scope, stop } = this;
    const { clock, log } = deps;
    scope.defer(() => stop.abort());
    writeLargeIntegers();
    if (options.audit) this.auditor = await openAudit(options.audit, deps, scope);
    const paths = [...packetPathKinds, ...nodeTrafficKinds, ...(deps.findPath ? [packetPaths] : [])];
    const own = [...resourceMetricsKinds, ...paths, ...(options.console ? consoleKinds : [])];
    for (const kind of own) await deps.kinds.add(kind);
    const custom = await this.openCustomKinds();
    const access = await openAccess(options, deps, stop.signal);
    this.access = access;
    const { yaml } = this;
    scope.defer(() => yaml.close());
    const forms = new AnswerForms(yaml, new ProtobufAnswers(deps.catalog, deps.schemas));
    this.proxy = this.openProxy();
    const { authorizer, authenticator } = access;
    const kinds = await this.openKinds(access, this.proxy, forms);
    const limits = await openLimits(options.limits, deps, stop.signal);
    const aggregation = await this.openAggregation(authorizer);
    const handler = new ApiHandler({
      // An APIService with a Service replaces the kinds of this server in its group version, as upstream.
      servers: [
        aggregation.server,
        kinds,
        ...(deps.servers ?? []),
        new PathServer(plainPaths(this.pathDeps(forms, access, limits, aggregation)), authorizer),
      ],
      settling: (path) => custom.settling(path),
      fresh: () => deps.cache.fresh(),
      authorizer,
      forms,
      limits,
      metrics: this.metrics,
      log,
      ...(this.auditor ? { auditor: this.auditor } : {}),
    });
    this.handler = handler;
    this.port = await this.listen(handler, authenticator);
    const system = this.systemOptions();
    await bootstrapWhenPossible(this.transport(loopbackUser), system, { clock, log, signal: stop.signal });
    await this.openPeers();
    await this.openAddressRepair();
    await aggregation.start(createClient(this.transport(loopbackUser), { userAgent: 'kube-aggregator' }));
    const client = createClient(this.transport(loopbackUser), { userAgent: 'k8ts-apiserver' });
    void access.tokens.legacy.recordUses({ client, log }, stop.signal);
    void keepDangling({ cache: deps.cache, client, clock, log }, stop.signal);
    void keepServices(this.transport(loopbackUser), system, { clock, log, signal: stop.signal });
    await this.openPolicyStatus();
    this.ready = true;
    log.info('serving', { address: options.bindAddress, port: this.port });
    return this.port;
  }

  /** A transport whose requests go directly to the handler, as this user. */
  transport(user: UserInfo): Transport {
    if (!this.handler) throw new Error('the API server is not open');
    return new InProcessTransport(this.handler, user);
  }

  /** All kinds that can be deleted with their namespace or owner, also those of aggregated API servers. */
  kinds(): Catalog {
    return this.aggregation?.kinds ?? this.deps.catalog;
  }

  /** Uses new certificates for new connections, as a server, to kubelets and to aggregated servers; keys of tokens and open connections stay. */
  renew(keys: ServerCertificates): void {
    const { ca, certificate, key, kubeletClientCertificate, kubeletClientKey } = keys;
    this.access?.authenticator.renew(ca);
    this.listener?.renew({ certificate, key, ca });
    this.proxy?.renew({ certificate: kubeletClientCertificate, key: kubeletClientKey, ca });
    this.aggregation?.renew(proxyKeysOf(keys));
  }

  /** Accepts tokens of these issuers, and anonymous requests for these paths, from now on. */
  useAuthentication(changed: AuthenticationOptions): void {
    this.access?.useAuthentication(changed);
  }

  /** Other authorizers for later requests. */
  useAuthorization(changed: AuthorizationOptions): void {
    this.access?.useAuthorization(changed);
  }

  /** Takes this server out of the Service's endpoints, ends watches, waits for other answers, closes the listener. The cache stays open. */
  async close(): Promise<void> {
    await this.peers?.leave();
    this.ready = false;
    return this.scope.close();
  }

  /** Resolves when the kinds of all CustomResourceDefinitions are served: before the first request. */
  private async openCustomKinds(): Promise<CustomKinds> {
    const { cache, kinds, clock, log, random = Math.random } = this.deps;
    const { conversionMetrics: metrics } = this;
    const client = new WebhookClient(cache, random);
    this.scope.defer(() => client.close());
    const custom = new CustomKinds({
      cache,
      kinds,
      clock,
      log: log.child('customresourcedefinitions'),
      conversion: (definition) => conversionOf(definition, { client, metrics }),
      onForget: (name) => metrics.forget(name),
    });
    await custom.start(this.stop.signal);
    this.scope.defer(() => custom.closed());
    this.scope.defer(() => this.stop.abort());
    return custom;
  }

  private async openPolicyStatus(): Promise<void> {
    const { cache, catalog, schemas, clock, log } = this.deps;
    const status = new PolicyStatus({ cache, catalog, schemas, clock, log: log.child('policies') });
    await status.start(this.stop.signal);
    this.scope.defer(() => status.closed());
    this.scope.defer(() => this.stop.abort());
  }

  private openProxy(): KubeletProxy {
    const { kubeletClientCertificate, kubeletClientKey, ca } = this.options.keys;
    const keys = { certificate: kubeletClientCertificate, key: kubeletClientKey, ca };
    const proxy = new KubeletProxy(this.deps.cache, keys);
    this.scope.defer(() => proxy.close());
    return proxy;
  }

  /** The server of the catalog's kinds. Resolves when the rules of writes have loaded the objects they follow. */
  private async openKinds(access: Access, proxy: KubeletProxy, forms: AnswerForms): Promise<KindServer> {
    const { catalog, cache, schemas, clock } = this.deps;
    const { rbac, authorizer, tokens } = access;
    const rules = await this.openRules(rbac, authorizer);
    const protobuf = new ProtobufObjects(schemas);
    const { random = Math.random, routeToPods } = this.deps;
    const backends = new BackendProxy(cache, { random, ...(routeToPods ? { route: routeToPods } : {}) });
    this.scope.defer(() => backends.close());
    const local = new Set(this.options.localComponents);
    const { ownersFromCreate = true } = this.options;
    const lists = new ListBytes();
    const rest: RestDeps = { catalog, schemas, cache, clock, rules, authorizer, lists, protobuf, ownersFromCreate };
    return new KindServer({
      rest,
      routes: new RouteTable(catalog),
      authorizer,
      subresources: subresourceTable(rest, { tokens, kubelets: proxy, backends }),
      upgrades: upgradeTable({ kubelets: proxy, backends }),
      virtual: new Map([
        ...reviewHandlers({ ...access, owners: rest }),
        ['bindings.', bindingHandler(rest)] as const,
        ['componentstatuses.', componentStatusHandler(rest, openComponents(rest, local))] as const,
        ...packetPathHandlers({ kubelets: proxy, cache }),
        ...nodeTrafficHandlers({ rest, traffic: this.openTraffic(proxy) }),
        ...this.pathHandlers(),
        ...(access.console ? consoleHandlers({ tokens: access.console, owners: rest }) : []),
        ...resourceMetricsHandlers({ rest, usages: this.openUsages(proxy) }),
      ]),
      life: { signal: this.stop.signal, onSent: (kind, events) => this.metrics.sent(kind, events) },
      forms,
    });
  }

  private pathHandlers() {
    const { findPath } = this.deps;
    if (!findPath) return [];
    const { yaml, options } = this;
    const transport = (user: UserInfo) => this.transport(user);
    const finder = new PathFinder({ findPath, transport, yaml, domain: options.clusterDomain });
    return [[`packetpaths.${packetPaths.group}`, finder.answer] as const];
  }

  private openUsages(proxy: KubeletProxy): KubeletUsages {
    const { clock, log } = this.deps;
    const path = '/stats/summary?only_cpu_and_memory=true';
    return new KubeletUsages({ read: async (node) => proxy.read(node, path), clock, log: log.child('metrics') });
  }

  private openTraffic(proxy: KubeletProxy): KubeletTraffic {
    return new KubeletTraffic({
      read: async (node) => proxy.post(node, '/path/traffic', '{}'),
      clock: this.deps.clock,
    });
  }

  /** Resolves with the port. */
  private async listen(handler: ApiHandler, authenticator: Authenticator): Promise<number> {
    const { scope, stop } = this;
    const { bindAddress: address, port, keys, frontProxy } = this.options;
    const { certificate, key, ca } = keys;
    const { pages } = this.deps;
    const log = this.deps.log.child('http');
    const optional = { ...(frontProxy ? { frontProxy } : {}), ...(pages ? { pages } : {}) };
    const given = { address, port, certificate, key, ca, ...optional };
    const listener = new Listener(given, handler, authenticator, log);
    this.listener = listener;
    const opened = await listener.open();
    // Watches end first, so that the listener does not wait for them.
    scope.defer(() => listener.close());
    scope.defer(() => stop.abort());
    return opened;
  }

  private async openPeers(): Promise<void> {
    const { cache, clock, log } = this.deps;
    const { advertiseAddress } = this.options;
    const client = createClient(this.transport(loopbackUser), { userAgent: 'kube-apiserver' });
    const identity = { hostname: hostname(), advertiseAddress, instance: randomUUID() };
    this.peers = new Peers({ client, cache, clock, log: log.child('peers'), identity, port: this.port });
    await this.peers.open();
  }

  private async openAddressRepair(): Promise<void> {
    const { cache, clock, log } = this.deps;
    const { signal } = this.stop;
    const client = createClient(this.transport(loopbackUser), { userAgent: 'kube-apiserver' });
    const recorder = createEventRecorder({ client, component: 'ipallocator-repair-controller', log, clock });
    const repair = new AddressRepair({ cache, client, clock, recorder, log: log.child('ip-repair'), signal });
    await repair.open();
    void repair.run();
  }

  private openRules(rbac: RbacAuthorizer, authorizer: Authorizer): Promise<WriteRules> {
    const { options, deps, stop } = this;
    const given: RuleDeps = {
      catalog: deps.catalog,
      schemas: deps.schemas,
      cache: deps.cache,
      clock: deps.clock,
      authorizer,
      rbac,
      random: deps.random ?? Math.random,
      ownersFromCreate: options.ownersFromCreate ?? true,
      serviceRanges: parseCidrPair(options.serviceCidr),
      podSecurity: options.podSecurity ?? defaultPodSecurity,
      allowServiceExternalIps: options.allowServiceExternalIps ?? false,
      signal: stop.signal,
      metrics: this.admissionMetrics,
    };
    return openRules(deps.rules ?? writeOrder, given, this.admissionMetrics);
  }

  private pathDeps(forms: AnswerForms, access: Access, limits: RequestLimits, aggregation: Aggregation): PathDeps {
    const { options, deps, metrics } = this;
    const slis = new HealthMetrics();
    const checks = healthChecks({
      storeProblem: () => deps.cache.problem,
      isBootstrapped: () => this.ready || this.stop.signal.aborted,
      isStopping: () => this.stop.signal.aborted,
      writeProblem: () => deps.writeProblem?.(),
      hasPriorityAndFairness: options.limits?.enablePriorityAndFairness ?? true,
    }).map((check) => slis.counted(check));
    const gauges = () => ({ apiserver_storage_revision: deps.cache.revision(), ...this.auditor?.counters() });
    return {
      catalog: deps.catalog,
      remotes: () => aggregation.discovery.versions(),
      schemas: deps.schemas,
      serverAddress: `${options.advertiseAddress}:${options.port}`,
      // The kernel may have chosen the port.
      tokenIssuer: () =>
        issuerFacts(access.tokens, `${options.advertiseAddress}:${this.port}`, options.issuer?.jwksUri),
      openapi: openapiHandler(deps.catalog, deps.schemas, aggregation.openapi()),
      forms,
      checks,
      metrics: () => [
        ...metrics.render(),
        ...renderServer({ catalog: deps.catalog, cache: deps.cache, gauges }),
        ...limits.render(),
        ...this.admissionMetrics.render(),
        ...this.conversionMetrics.render(),
        ...queueMetrics.render(),
        ...processMetrics.render(),
        ...renderAvailability(deps.cache),
        ...aggregation.metrics.render(),
        ...access.metrics.render(),
      ],
      slis: () => slis.render(),
    };
  }

  private async openAggregation(authorizer: Authorizer): Promise<Aggregation> {
    const { random = Math.random } = this.deps;
    const log = this.deps.log.child('aggregator');
    const keys = proxyKeysOf(this.options.keys);
    const aggregation = new Aggregation({ ...this.deps, authorizer, keys, random, log, signal: this.stop.signal });
    this.aggregation = aggregation;
    await aggregation.open();
    return aggregation;
  }

  private systemOptions(): BootstrapOptions {
    const ranges = parseCidrPair(this.options.serviceCidr);
    const range = ranges[0]!;
    return {
      advertiseAddress: this.options.advertiseAddress,
      port: this.port,
      caPem: this.options.keys.ca,
      proxyCaPem: this.options.keys.proxyCa,
      ...(this.options.frontProxy ? { frontProxy: this.options.frontProxy } : {}),
      kubernetesIp: formatAddress(cidrAddress(range, 1)),
      dnsIp: formatAddress(cidrAddress(range, 10)),
      serviceCidrs: ranges.map(formatCidr),
      now: () => this.deps.clock.now(),
    };
  }
}

const proxyKeysOf = ({ proxyClientCertificate, proxyClientKey }: ServerCertificates): ProxyKeys => ({
  certificate: proxyClientCertificate,
  key: proxyClientKey,
});
