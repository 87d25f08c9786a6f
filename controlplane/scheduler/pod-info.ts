// What the scheduler knows of a pod: everything that is read more than once, parsed once for each version of the pod.

import type { Pod } from '../api/pod';
import { effectiveSpec } from '../api/pods/effective-resources';
import { type HostPort, hostPortsOf } from '../api/pods/host-ports';
import { type Selector, selectorFromLabelSelector } from '../api/selector';
import type { LabelSelector, OwnerReference } from '../api/types';
import { podRequests, type Resources, scoringRequests } from './resources';

type PodSpec = NonNullable<Pod['spec']>;
export type Toleration = NonNullable<PodSpec['tolerations']>[number];
export type NodeSelectorTerm = NonNullable<
  NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>['nodeSelectorTerms'][number];

/** One term of pod affinity or anti-affinity. */
export interface AffinityTerm {
  readonly selector: Selector | undefined;
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  /** Selects namespaces by their labels, in addition to the listed namespaces; undefined selects none. */
  readonly namespaceSelector: Selector | undefined;
}
export interface WeightedTerm extends AffinityTerm {
  readonly weight: number;
}

export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly topologyKey: string;
  readonly selector: Selector | undefined;
  readonly hard: boolean;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

export type Volume = NonNullable<PodSpec['volumes']>[number];

export interface PodClaim {
  /** Of the claim, in the namespace of the pod. */
  readonly name: string;
  /** The claim of a generic ephemeral volume: a controller makes it, and the pod must own it. */
  readonly ephemeral: boolean;
}

export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  /** Which profile decides about the pod. */
  readonly schedulerName: string;
  readonly terminating: boolean;
  /** cpu in thousandths, everything else in whole units. */
  readonly requests: Resources;
  /** cpu and memory for scores: a container without requests counts with a default amount. */
  readonly scoring: { readonly cpu: number; readonly memory: number };
  readonly hostPorts: readonly HostPort[];
  /** Of containers, init containers and image volumes; the same image may stand several times. */
  readonly images: readonly string[];
  /** With init containers. */
  readonly containerCount: number;
  readonly tolerations: readonly Toleration[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly requiredNodeTerms: readonly NodeSelectorTerm[] | undefined;
  readonly preferredNodeTerms: readonly { readonly weight: number; readonly term: NodeSelectorTerm }[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
  readonly spread: readonly SpreadConstraint[];
  /** The PersistentVolumeClaims that the pod uses. */
  readonly claims: readonly PodClaim[];
  /** Volumes of the spec whose disk only some pods may use at once; see VolumeRestrictions. */
  readonly disks: readonly Volume[];
  /**
   * Namespace and uid of the controller that makes equal replicas. They are spread softly when the pod has no spread constraints. A pod of
   * another controller has none.
   */
  readonly controller: string | undefined;
}

const parsed = new WeakMap<Pod, PodInfo>();

export function podInfo(pod: Pod): PodInfo {
  let info = parsed.get(pod);
  if (!info) {
    info = parsePod(pod);
    parsed.set(pod, info);
  }
  return info;
}

function parsePod(pod: Pod): PodInfo {
  const {
    namespace = '',
    name = '',
    uid = '',
    labels = {},
    ownerReferences = [],
    deletionTimestamp,
  } = pod.metadata ?? {};
  const spec: PodSpec = pod.spec ?? { containers: [] };
  const effective = effectiveSpec(pod, { podLevel: true });
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const term = (raw: RawTerm) => parseTerm(raw, namespace, labels);
  const weighted = (list: readonly { weight: number; podAffinityTerm: RawTerm }[] | undefined) =>
    (list ?? []).map(({ weight, podAffinityTerm }) => ({ ...term(podAffinityTerm), weight }));
  return {
    pod,
    key: `${namespace}/${name}`,
    uid,
    namespace,
    labels,
    priority: spec.priority ?? 0,
    schedulerName: spec.schedulerName ?? defaultSchedulerName,
    terminating: deletionTimestamp !== undefined,
    requests: podRequests(effective),
    scoring: scoringRequests(effective),
    hostPorts: hostPortsOf(spec),
    images: imagesOf(spec),
    containerCount: (spec.initContainers ?? []).length + spec.containers.length,
    tolerations: spec.tolerations ?? [],
    nodeSelector: spec.nodeSelector ?? {},
    requiredNodeTerms: nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
    preferredNodeTerms: (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ weight, preference }) => ({ weight, term: preference }),
    ),
    affinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    antiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferredAffinity: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    spread: (spec.topologySpreadConstraints ?? []).map((constraint) => ({
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      topologyKey: constraint.topologyKey,
      selector: withLabelKeys(constraint.labelSelector, labels, constraint.matchLabelKeys),
      hard: constraint.whenUnsatisfiable === 'DoNotSchedule',
      honorAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorTaints: constraint.nodeTaintsPolicy === 'Honor',
    })),
    claims: claimsOf(name, spec.volumes),
    disks: (spec.volumes ?? []).filter(hasSharedDisk),
    controller: controllerOf(namespace, ownerReferences),
  };
}

export const defaultSchedulerName = 'default-scheduler';

function claimsOf(pod: string, volumes: readonly Volume[] = []): readonly PodClaim[] {
  return volumes.flatMap(({ name, persistentVolumeClaim, ephemeral }): PodClaim[] => {
    if (persistentVolumeClaim) return [{ name: persistentVolumeClaim.claimName, ephemeral: false }];
    return ephemeral ? [{ name: `${pod}-${name}`, ephemeral: true }] : [];
  });
}

const hasSharedDisk = ({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): boolean =>
  (gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd) !== undefined;

const replicated = new Set(['v1 ReplicationController', 'apps/v1 ReplicaSet', 'apps/v1 StatefulSet']);

/** A user may write any text as the uid. The namespace is a DNS label without a slash, so the first slash ends it. */
function controllerOf(namespace: string, references: readonly OwnerReference[]): string | undefined {
  const owner = references.find(({ controller }) => controller);
  return owner && replicated.has(`${owner.apiVersion} ${owner.kind}`) ? `${namespace}/${owner.uid}` : undefined;
}

interface RawTerm {
  labelSelector?: LabelSelector;
  topologyKey: string;
  namespaces?: string[];
  namespaceSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

/** Neither a list of namespaces nor a selector means: the pod's own namespace. */
function parseTerm(raw: RawTerm, namespace: string, labels: Readonly<Record<string, string>>): AffinityTerm {
  const own = (raw.namespaces ?? []).length === 0 && raw.namespaceSelector === undefined;
  const selector = withLabelKeys(raw.labelSelector, labels, raw.matchLabelKeys);
  const differing = (raw.mismatchLabelKeys ?? [])
    .filter((key) => labels[key] !== undefined)
    .map((key) => ({ key, operator: 'NotIn' as const, values: [labels[key]!] }));
  return {
    selector: selector && [...selector, ...differing],
    topologyKey: raw.topologyKey,
    namespaces: new Set(own ? [namespace] : raw.namespaces),
    namespaceSelector: selectorFromLabelSelector(raw.namespaceSelector),
  };
}

/** The selector, restricted to pods that have the same values of these labels as this pod. */
function withLabelKeys(
  raw: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
  keys: readonly string[] = [],
): Selector | undefined {
  const selector = selectorFromLabelSelector(raw);
  const same = keys
    .filter((key) => labels[key] !== undefined)
    .map((key) => ({ key, operator: 'In' as const, values: [labels[key]!] }));
  return selector && [...selector, ...same];
}

function imagesOf({ initContainers = [], containers, volumes = [] }: PodSpec): readonly string[] {
  const names = [
    ...[...initContainers, ...containers].map(({ image }) => image),
    ...volumes.map(({ image }) => image?.reference),
  ];
  return names.flatMap((name) => (name ? [normalizeImage(name)] : []));
}

/** Adds the tag `latest` to a name without a tag or digest. */
function normalizeImage(name: string): string {
  return /@|:[^/]*$/.test(name) ? name : `${name}:latest`;
}
