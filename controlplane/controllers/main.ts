// Runs all controllers of the process over shared informers, one per kind.
import type { KeyObject } from 'node:crypto';
import type { Catalog } from '../api/catalog';
import { parseCidrPair } from '../base/cidr';
import { type Clock, systemClock } from '../base/clock';
import { markReconcile } from '../base/event-loop';
import type { Logger } from '../base/logger';
import type { Client } from '../client/client';
import { createEventRecorder } from '../client/event-recorder';
import { runWithLease } from '../client/leader-election';
import { AttachDetachController } from './attach-detach/controller';
import { BootstrapSignerController } from './bootstrap-signer/controller';
import { ClusterRoleAggregationController } from './clusterrole-aggregation/controller';
import { CronJobController } from './cronjob/controller';
import { CsrApprovingController } from './csr-approving/controller';
import { CsrCleanerController } from './csr-cleaner/controller';
import { CsrSigningController, type CsrSigningOptions } from './csr-signing/controller';
import { DaemonSetController } from './daemonset/controller';
import { DeploymentController } from './deployment/controller';
import { DisruptionController } from './disruption/controller';
import { EndpointsController } from './endpoints/controller';
import { EndpointSliceController } from './endpointslice/controller';
import { EndpointSliceMirroringController } from './endpointslice-mirroring/controller';
import { EphemeralVolumeController } from './ephemeral-volume/controller';
import { EventTtlController } from './event-ttl/controller';
import { GarbageCollector } from './garbage/controller';
import { HorizontalPodAutoscalerController } from './horizontalpodautoscaler/controller';
import { JobController } from './job/controller';
import { LegacyTokenCleanerController } from './legacy-token-cleaner/controller';
import { LoadBalancerController } from './load-balancer/controller';
import { parsePool } from './load-balancer/pool';
import { NamespaceController } from './namespace/controller';
import { NodeIpamController } from './node-ipam/controller';
import { NodeLifecycleController } from './node-lifecycle/controller';
import { PersistentVolumeBinder } from './persistentvolume-binder/controller';
import { PodGcController } from './pod-gc/controller';
import { ProgrammingController } from './programming/controller';
import { PvProtectionController } from './pv-protection/controller';
import { PvcProtectionController } from './pvc-protection/controller';
import { ReplicaSetController } from './replicaset/controller';
import { replicaSetWorkload, replicationControllerWorkload } from './replicaset/workloads';
import { ResourceQuotaController } from './resourcequota/controller';
import { RootCaController } from './root-ca/controller';
import { ServiceCidrController } from './service-cidr/controller';
import { ServiceAccountController } from './serviceaccount/controller';
import { ServiceAccountTokensController } from './serviceaccount-tokens/controller';
import type { Controller, Deps } from './shared/deps';
import { InformerSet } from './shared/informers';
import { StatefulSetController } from './statefulset/controller';
import { TokenCleanerController } from './token-cleaner/controller';
import { VacProtectionController } from './vac-protection/controller';
import { VolumeExpandController } from './volume-expand/controller';
import { VolumeProvisioningController } from './volume-provisioning/controller';

export interface ControllersOptions {
  /** The kinds that are served: garbage collection and the deletion of namespaces follow it. */
  readonly catalog: Catalog;
  readonly client: Client;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The range of pod addresses, e.g. 10.244.0.0/16; a comma joins ranges of both families. */
  readonly clusterCidr: string;
  /** Prefix length of each node's part of an IPv4 range; 24 by default. Of an IPv6 range it is always 64. */
  readonly nodeMaskSize?: number;
  /** Addresses for Services of type LoadBalancer: ranges and CIDRs, comma-joined. Absent or '': no pool. */
  readonly loadBalancerPool?: string;
  /** PEM of the CA by which pods verify the API server. */
  readonly caPem: string;
  /** The authority that signs certificates for nodes; absent: requests wait for an external signer. */
  readonly signing?: CsrSigningOptions;
  /** Signs the tokens in Secrets of type kubernetes.io/service-account-token; absent: they stay as they are. */
  readonly tokenKey?: KeyObject;
  /**
   * The name of this process in the Lease kube-system/kube-controller-manager. Unique among the servers of the cluster, and the same
   * after a restart (the node name), so that a restarted server continues at once. Absent: no election.
   */
  readonly identity?: string;
}

/** Resolves when the signal is aborted and everything has stopped. @throws what a controller throws */
export async function runControllers(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, identity, clock, log } = options;
  if (identity === undefined) return runAll(options, signal);
  const lease = 'kube-system/kube-controller-manager';
  return runWithLease({ client, lease, identity, clock, log }, signal, (term, leading) =>
    runAll({ ...options, client: leading }, term),
  );
}

async function runAll(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, log, clock = systemClock } = options;
  const stop = new AbortController();
  const term = AbortSignal.any([signal, stop.signal]);
  const informers = new InformerSet({ client, log, clock });
  const deps = (name: string): Deps => ({
    client,
    informers,
    clock,
    log: log.child(name),
    recorder: (component) => createEventRecorder({ client, component, log, clock }),
    onReconcile: markReconcile(name),
    queueName: queueNames[name] ?? name,
  });
  const controllers = createControllers(options, deps);
  // Informers first: a controller waits until its own have synced.
  const running = [informers.run(term), ...Object.values(controllers).map((controller) => runOne(controller, term))];
  try {
    await Promise.all(running);
  } finally {
    stop.abort(new Error('a controller has failed'));
    await Promise.allSettled(running);
  }
}

async function runOne(controller: Controller, signal: AbortSignal): Promise<void> {
  await controller.run(signal).catch((err: unknown) => {
    // The wait for the first list throws the reason of the signal.
    if (!signal.aborted) throw err;
  });
}

/** Upstream's names of the queues, which dashboards show; a controller that is not listed has its own name. */
const queueNames: Readonly<Record<string, string>> = {
  replicationcontroller: 'replicationmanager',
  endpoints: 'endpoint',
  endpointslice: 'endpoint_slice',
  'endpointslice-mirroring': 'endpoint_slice_mirroring',
  'serviceaccount-tokens': 'serviceaccount_tokens_service',
  'node-lifecycle': 'node_lifecycle_controller',
  'pv-protection': 'pvprotection',
  'pvc-protection': 'pvcprotection',
  'vac-protection': 'vacprotection',
  'ephemeral-volume': 'ephemeral_volume',
  'volume-expand': 'volume_expand',
  garbage: 'garbage_collector_attempt_to_delete',
  resourcequota: 'resourcequota_primary',
  'clusterrole-aggregation': 'ClusterRoleAggregator',
  'root-ca': 'root_ca_cert_publisher',
  'csr-signing': 'certificate',
};

/** Every controller by its name; `deps` is called once for each. */
export function createControllers(
  options: ControllersOptions,
  deps: (name: string) => Deps,
): Readonly<Record<string, Controller>> {
  const podRanges = parseCidrPair(options.clusterCidr).map((cidr) => ({
    cidr,
    nodePrefix: cidr.family === 4 ? (options.nodeMaskSize ?? 24) : 64,
  }));
  const { catalog, caPem, tokenKey: key } = options;
  return {
    deployment: new DeploymentController(deps('deployment')),
    replicaset: new ReplicaSetController(deps('replicaset'), replicaSetWorkload),
    replicationController: new ReplicaSetController(deps('replicationcontroller'), replicationControllerWorkload),
    daemonset: new DaemonSetController(deps('daemonset')),
    statefulset: new StatefulSetController(deps('statefulset')),
    horizontalPodAutoscaler: new HorizontalPodAutoscalerController(deps('horizontalpodautoscaler'), catalog),
    job: new JobController(deps('job')),
    cronJob: new CronJobController(deps('cronjob')),
    endpointSlice: new EndpointSliceController(deps('endpointslice')),
    endpointSliceMirroring: new EndpointSliceMirroringController(deps('endpointslice-mirroring')),
    endpoints: new EndpointsController(deps('endpoints')),
    programming: new ProgrammingController(deps('programming')),
    loadBalancer: new LoadBalancerController(deps('load-balancer'), {
      pool: parsePool(options.loadBalancerPool ?? ''),
    }),
    nodeIpam: new NodeIpamController(deps('node-ipam'), podRanges),
    serviceCidr: new ServiceCidrController(deps('service-cidr')),
    serviceAccount: new ServiceAccountController(deps('serviceaccount')),
    ...(key
      ? { serviceAccountTokens: new ServiceAccountTokensController(deps('serviceaccount-tokens'), { caPem, key }) }
      : {}),
    nodeLifecycle: new NodeLifecycleController(deps('node-lifecycle')),
    podGc: new PodGcController(deps('pod-gc')),
    persistentVolumeBinder: new PersistentVolumeBinder(deps('persistentvolume-binder')),
    volumeProvisioning: new VolumeProvisioningController(deps('volume-provisioning')),
    ephemeralVolume: new EphemeralVolumeController(deps('ephemeral-volume')),
    volumeExpand: new VolumeExpandController(deps('volume-expand')),
    attachDetach: new AttachDetachController(deps('attach-detach')),
    pvProtection: new PvProtectionController(deps('pv-protection')),
    pvcProtection: new PvcProtectionController(deps('pvc-protection')),
    vacProtection: new VacProtectionController(deps('vac-protection')),
    namespace: new NamespaceController(deps('namespace'), catalog),
    garbage: new GarbageCollector(deps('garbage'), catalog),
    resourceQuota: new ResourceQuotaController(deps('resourcequota'), catalog),
    disruption: new DisruptionController(deps('disruption'), catalog),
    eventTtl: new EventTtlController(deps('event-ttl')),
    clusterRoleAggregation: new ClusterRoleAggregationController(deps('clusterrole-aggregation')),
    rootCa: new RootCaController(deps('root-ca'), { caPem }),
    csrApproving: new CsrApprovingController(deps('csr-approving')),
    csrCleaner: new CsrCleanerController(deps('csr-cleaner')),
    bootstrapSigner: new BootstrapSignerController(deps('bootstrap-signer')),
    legacyTokenCleaner: new LegacyTokenCleanerController(deps('legacy-token-cleaner')),
    tokenCleaner: new TokenCleanerController(deps('token-cleaner')),
    ...(options.signing ? { csrSigning: new CsrSigningController(deps('csr-signing'), options.signing) } : {}),
  };
}
