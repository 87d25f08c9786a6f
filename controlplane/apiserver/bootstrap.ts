// The first objects of a cluster: namespaces, the default RBAC policy, cluster-info for joining machines, the Services kubernetes
// and kube-dns.
// Safe to run at every start and by several servers at once.
import { isDeepStrictEqual } from 'node:util';
import {
  autoUpdate,
  mandatoryFlows,
  mandatoryLevels,
  suggestedFlows,
  suggestedLevels,
} from '../api/flow-control/bootstrap-objects';
import {
  type ClusterRole,
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  flowSchemas,
  type IngressClass,
  ingressClasses,
  type KubeObject,
  namespaces,
  objectKey,
  priorityClasses,
  priorityLevelConfigurations,
  roleBindings,
  roles,
  type Service,
  type StorageClass,
  services,
  storageClasses,
} from '../api/index';
import type { Kind } from '../api/kind';
import { systemPriorityClasses } from '../api/priority-class';
import { directoryProvisioner } from '../api/volumes/binding';
import type { Clock } from '../base/clock';
import { isAlreadyExists, isConflict, isNotFound, isUnavailable } from '../base/errors';
import type { Logger } from '../base/logger';
import type { Client, Transport } from '../client/client';
import { createClient } from '../client/rest-client';
import { clusterInfoName, clusterInfoNamespace, kubeconfigKey, renderClusterInfo } from '../pki/cluster-info';
import { extensionAuthentication } from './aggregator/extension-authentication';
import { ensureServiceCidr, otherRanges } from './allocation/default-service-cidr';
import type { FrontProxyConfig } from './authn/front-proxy';
import { tokenTracking } from './authn/token-tracking';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles, namespacedGrants } from './authz/bootstrap-policy';
import {
  clusterInfoRole,
  clusterInfoRoleBinding,
  joiningClusterRoleBindings,
  joiningClusterRoles,
} from './authz/joining-policy';

export interface BootstrapOptions {
  /** The address at which pods and agents reach this server. */
  readonly advertiseAddress: string;
  readonly port: number;
  /** The certificate authority of the cluster, PEM. */
  readonly caPem: string;
  /** The authority of this server's certificate for aggregated API servers, PEM. */
  readonly proxyCaPem: string;
  /** Further servers whose headers name users. */
  readonly frontProxy?: FrontProxyConfig;
  /** The first address of the Service range. */
  readonly kubernetesIp: string;
  /** The tenth address of the Service range. */
  readonly dnsIp: string;
  /** The ranges of ClusterIPs, the default family first. */
  readonly serviceCidrs: readonly string[];
  readonly now: () => number;
}

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Creates missing objects and repairs those that must not differ. `transport` acts as a member of system:masters. */
export async function bootstrap(transport: Transport, options: BootstrapOptions): Promise<void> {
  const client = createClient(transport, { userAgent: 'kube-apiserver' });
  for (const name of systemNamespaces) {
    await ensure(client, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  for (const role of [...bootstrapClusterRoles, ...joiningClusterRoles]) {
    await ensure(client, clusterRoles, role, (found) => repairRole(found, role));
  }
  for (const binding of [...bootstrapClusterRoleBindings, ...joiningClusterRoleBindings]) {
    const { subjects } = binding;
    await ensure(client, clusterRoleBindings, binding, ({ subjects: _, ...found }) => ({
      ...found,
      ...(subjects ? { subjects } : {}),
    }));
  }
  for (const { role, binding } of namespacedGrants) {
    await ensure(client, roles, role, (found) => ({ ...found, rules: role.rules }));
    await ensure(client, roleBindings, binding);
  }
  await ensureClusterInfo(client, options);
  await ensureExtensionAuthentication(client, options);
  const nowMs = options.now();
  await ensure(client, configMaps, tokenTracking(nowMs), (found) => tokenTracking(nowMs, found));
  for (const priorityClass of systemPriorityClasses) await ensure(client, priorityClasses, priorityClass);
  await ensure(client, ingressClasses, ingressClass);
  await ensure(client, storageClasses, storageClass);
  await ensureFlowControl(client);
  await ensureServices(client, options);
}

/** Between two attempts while the store does not answer. */
const storeRetryMs = 1_000;

/**
 * Begins again while the store does not answer: meanwhile /readyz says what is wrong with it. A server that ended instead would end at each
 * of its starts. @throws the reason of the signal, and every error but Unavailable
 */
export async function bootstrapWhenPossible(
  transport: Transport,
  options: BootstrapOptions,
  { clock, log, signal }: KeepDeps,
): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      await bootstrap(transport, options);
      const used = await otherRanges(createClient(transport, { userAgent: 'kube-apiserver' }), options.serviceCidrs);
      if (used) {
        log.warn(
          '--service-cidr is not what the cluster uses: give every server the ranges of the ServiceCIDR kubernetes',
          {
            given: options.serviceCidrs.join(),
            used: used.join(),
          },
        );
      }
      return;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (isFirst)
        log.warn('the store does not take the first objects of the cluster; tried again until it does', { error });
    }
    await clock.sleep(storeRetryMs, signal);
  }
}

/** The rules of an aggregated role belong to the controller. Selectors and labels that an administrator wrote stay, as upstream. */
function repairRole(found: ClusterRole, { metadata, rules, aggregationRule }: ClusterRole): ClusterRole {
  const labels = { ...metadata?.labels, ...found.metadata?.labels };
  const repaired = { ...found, metadata: { ...found.metadata, labels } };
  if (!aggregationRule) return { ...repaired, rules };
  const selectors = found.aggregationRule?.clusterRoleSelectors ?? [];
  const missing = (aggregationRule.clusterRoleSelectors ?? []).filter(
    (desired) => !selectors.some((selector) => isDeepStrictEqual(selector, desired)),
  );
  return { ...repaired, aggregationRule: { clusterRoleSelectors: [...selectors, ...missing] } };
}

/** Updates the address of a server that moved. The bootstrap signer adds the signatures. */
async function ensureClusterInfo(client: Client, { advertiseAddress, port, caPem }: BootstrapOptions): Promise<void> {
  await ensure(client, roles, clusterInfoRole, (found) => ({ ...found, rules: clusterInfoRole.rules }));
  await ensure(client, roleBindings, clusterInfoRoleBinding);
  const host = advertiseAddress.includes(':') ? `[${advertiseAddress}]` : advertiseAddress;
  const kubeconfig = renderClusterInfo({ server: `https://${host}:${port}`, caPem });
  await ensure(
    client,
    configMaps,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: clusterInfoName, namespace: clusterInfoNamespace },
      data: { [kubeconfigKey]: kubeconfig },
    },
    (found) => ({ ...found, data: { ...found.data, [kubeconfigKey]: kubeconfig } }),
  );
}

async function ensureExtensionAuthentication(client: Client, options: BootstrapOptions): Promise<void> {
  const { caPem, proxyCaPem, frontProxy } = options;
  const authorities = { clientCa: caPem, proxyCa: proxyCaPem, ...(frontProxy ? { frontProxy } : {}) };
  await ensure(client, configMaps, extensionAuthentication(authorities), (found) =>
    extensionAuthentication(authorities, found),
  );
}

/** How long the ServiceCIDR and the Services that every pod needs may be missing or wrong after a deletion or change. */
const keepMs = 10_000;

export interface KeepDeps {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Repairs the ServiceCIDR kubernetes and the Services kubernetes and kube-dns until the signal. Never rejects. */
export async function keepServices(transport: Transport, options: BootstrapOptions, deps: KeepDeps): Promise<void> {
  const { clock, log, signal } = deps;
  const client = createClient(transport, { userAgent: 'kube-apiserver' });
  for (;;) {
    try {
      await clock.sleep(keepMs, signal);
    } catch {
      return;
    }
    await ensureServices(client, options).catch((error: unknown) => {
      if (!signal.aborted) log.warn('cannot create the system Services; trying again later', { error });
    });
  }
}

/** An administrator who changes an object sets its annotation to `false`, and the server leaves it. */
async function ensureFlowControl(client: Client): Promise<void> {
  const follows = ({ metadata }: KubeObject) => metadata?.annotations?.[autoUpdate] === 'true';
  for (const level of [...mandatoryLevels, ...suggestedLevels]) {
    await ensure(client, priorityLevelConfigurations, level, (found) =>
      follows(found) ? { ...found, spec: level.spec } : found,
    );
  }
  for (const flow of [...mandatoryFlows, ...suggestedFlows]) {
    await ensure(client, flowSchemas, flow, (found) => (follows(found) ? { ...found, spec: flow.spec } : found));
  }
}

/** The ServiceCIDR comes first: from it the Services get their addresses. */
async function ensureServices(client: Client, options: BootstrapOptions): Promise<void> {
  await retrying(() => ensureServiceCidr(client, options));
  await ensureKubernetesService(client, options);
  await ensure(client, services, dnsService(options.dnsIp));
}

/** The class of the ingress agents. It is the default class, so that an Ingress without a class works. */
const ingressClass: IngressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'k8ts', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
  spec: { controller: 'k8ts.dev/ingress' },
};

/** Directories on nodes, by the controller volume-provisioning and the kubelets. The node is that of the first pod which uses the claim. */
const storageClass: StorageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: directoryProvisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
};

/** The servers behind it: peers/. */
async function ensureKubernetesService(client: Client, { port, kubernetesIp }: BootstrapOptions): Promise<void> {
  const metadata = {
    name: 'kubernetes',
    namespace: 'default',
    labels: { component: 'apiserver', provider: 'kubernetes' },
  };
  await ensure(client, services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: 'ClusterIP',
      clusterIP: kubernetesIp,
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
      sessionAffinity: 'None',
    },
  });
}

/** On each node the node's own DNS server answers, so the Service has no selector. */
const dnsService = (clusterIP: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'kube-dns',
    namespace: 'kube-system',
    labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'KubeDNS' },
  },
  spec: {
    type: 'ClusterIP',
    clusterIP,
    internalTrafficPolicy: 'Local',
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
      { name: 'dns-tcp', protocol: 'TCP', port: 53, targetPort: 53 },
    ],
  },
});

/** How often a repair starts again because another writer was faster. */
const maxAttempts = 20;

async function ensure<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  desired: T,
  repair?: (found: T) => T,
): Promise<void> {
  await retrying(() => ensureOnce(client, kind, desired, repair));
}

async function retrying(step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step();
    } catch (err) {
      // The controllers of another server write aggregated roles, for example.
      if (!isConflict(err) || attempt === maxAttempts) throw err;
    }
  }
}

async function ensureOnce<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  desired: T,
  repair?: (found: T) => T,
): Promise<void> {
  const found = await client.get(kind, objectKey(desired)).catch((err: unknown) => {
    if (isNotFound(err)) return undefined;
    throw err;
  });
  if (found) {
    const repaired = repair?.(found) ?? found;
    if (!isDeepStrictEqual(repaired, found)) await client.update(kind, repaired);
    return;
  }
  try {
    await client.create(kind, desired);
  } catch (err) {
    // Another server was faster.
    if (!isAlreadyExists(err)) throw err;
  }
}
