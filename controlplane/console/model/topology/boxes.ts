// The boxes of the topology, and what the objects say about their links: an Ingress leads to Services, a Service to the pods behind it.
// Pods of one controller are one box, so that a cluster of 3,000 pods stays a picture.

import { isFailing, troubleOf } from '../pod-state';
import type { ResourceRef } from '../routes';
import type { Tone } from '../tones';
import {
  addressesOf,
  addressesOfService,
  type ClusterObjects,
  hasEnded,
  type Ingress,
  isTrue,
  keyOf,
  type NetworkPolicy,
  type Node,
  type Pod,
  refs,
  type Service,
  selects,
} from './objects';
import { type Revision, replicaSetId, revisionsOf, withoutPods, wouldServe } from './revisions';

/** `entry`: where nodes take requests for Ingresses. `unknown`: pods that are gone, or that the reader may not see. */
export type BoxKind = 'outside' | 'node' | 'entry' | 'ingress' | 'service' | 'workload' | 'elsewhere' | 'unknown';
/** Boxes without an object: the page has words for them. */
export const plainKinds: ReadonlySet<BoxKind> = new Set(['outside', 'entry', 'elsewhere', 'unknown']);

export interface PodDot {
  /** NAMESPACE/NAME */
  readonly key: string;
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly tone: Tone;
  readonly isReady: boolean;
  /** Why it is not ready, as `kubectl get pods` says it, and the server's words. */
  readonly trouble?: { readonly state: string; readonly message: string };
}

export interface Box {
  readonly id: string;
  readonly kind: BoxKind;
  readonly namespace: string;
  /** What is written in it; '' for plain kinds. */
  readonly name: string;
  /** The API's word for what it shows: Service, Deployment, Pod. */
  readonly type: string;
  /** The object behind it; absent where there is none. */
  readonly object?: { readonly resource: ResourceRef; readonly namespace: string; readonly name: string };
  readonly pods: readonly PodDot[];
  /** Hosts of an Ingress, ports and addresses of a Service, addresses of a node. */
  readonly facts: readonly string[];
  /** Of a Service. */
  readonly ports: readonly number[];
  /** NAMESPACE/NAME of the policies that select its pods. */
  readonly policies: readonly string[];
  /**
   * Of several generations of a Deployment's pods: the hash of this one, its revision if the reader may see ReplicaSets, and whether it is
   * the newest.
   */
  readonly generation?: { readonly hash: string; readonly revision?: number; readonly isNewest: boolean };
  /** All its pods have ended: it is drawn while connection tracking still knows their flows. */
  readonly isEnded?: true;
}

/** A link that the objects declare, whether or not traffic is on it. */
export interface DeclaredLink {
  readonly from: string;
  readonly to: string;
  /** Of a Service to pods: how many endpoints are ready, and how many there are. */
  readonly ready?: number;
  readonly all?: number;
}

export interface Structure {
  readonly boxes: readonly Box[];
  readonly links: readonly DeclaredLink[];
  /** The box of each pod, by NAMESPACE/NAME. */
  readonly boxOfPod: ReadonlyMap<string, string>;
}

export const outsideId = 'outside';
export const elsewhereId = 'elsewhere';
export const entryId = 'entry';
export const unknownId = 'unknown';
export const nodeId = (name: string): string => `node/${name}`;
export const serviceId = (key: string): string => `service/${key}`;

export function structureOf(objects: ClusterObjects): Structure {
  const revisions = revisionsOf(objects.replicaSets);
  const { workloads, empty } = workloadsOf(objects, revisions);
  const running = workloads.filter(({ isEnded }) => !isEnded);
  const boxOfPod = new Map(running.flatMap(({ id, pods }) => pods.map(({ key }) => [key, id] as const)));
  const boxes: Box[] = [
    plain(outsideId, 'outside'),
    plain(unknownId, 'unknown'),
    ...(objects.ingresses.length > 0 ? [plain(entryId, 'entry')] : []),
    ...objects.nodes.map(nodeBox),
    ...objects.ingresses.map(ingressBox),
    ...objects.services.map(serviceBox),
    ...workloads,
    plain(elsewhereId, 'elsewhere'),
  ];
  const services = new Set(objects.services.map((service) => serviceId(keyOf(service))));
  const links = [
    ...objects.ingresses.map((ingress) => ({ from: entryId, to: `ingress/${keyOf(ingress)}` })),
    ...objects.ingresses.flatMap((ingress) => ingressLinks(ingress, services)),
    ...endpointLinks(objects, boxOfPod, services),
    ...emptyLinks(objects.services, empty),
  ];
  return { boxes, links, boxOfPod };
}

const plain = (id: string, kind: BoxKind): Box => ({
  id,
  kind,
  namespace: '',
  name: '',
  type: '',
  pods: [],
  facts: [],
  ports: [],
  policies: [],
});

function nodeBox(node: Node): Box {
  const name = node.metadata?.name ?? '';
  const facts = (node.status?.addresses ?? []).flatMap(({ type, address }) =>
    type === 'InternalIP' && address ? [address] : [],
  );
  const object = { resource: refs.nodes, namespace: '', name };
  return { ...plain(nodeId(name), 'node'), name, type: 'Node', object, facts };
}

function objectBox(kind: BoxKind, type: string, object: Ingress | Service, resource: ResourceRef): Box {
  const { namespace = '', name = '' } = object.metadata ?? {};
  return {
    ...plain(`${kind}/${namespace}/${name}`, kind),
    namespace,
    name,
    type,
    object: { resource, namespace, name },
  };
}

const ingressBox = (ingress: Ingress): Box => ({
  ...objectBox('ingress', 'Ingress', ingress, refs.ingresses),
  facts: [...new Set((ingress.spec?.rules ?? []).map(({ host }) => host ?? '*'))],
});

const serviceBox = (service: Service): Box => ({
  ...objectBox('service', 'Service', service, refs.services),
  facts: [
    ...(service.spec?.ports ?? []).map(
      ({ name, port, nodePort }) => `${name ? `${name} ` : ''}${port}${nodePort ? ` (node port ${nodePort})` : ''}`,
    ),
    ...addressesOfService(service),
  ],
  ports: (service.spec?.ports ?? []).flatMap(({ port }) => port ?? []),
});

function ingressLinks(ingress: Ingress, services: ReadonlySet<string>): DeclaredLink[] {
  const from = `ingress/${keyOf(ingress)}`;
  const { defaultBackend, rules = [] } = ingress.spec ?? {};
  const backends = [
    defaultBackend,
    ...rules.flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend)),
  ].flatMap((backend) => backend?.service?.name ?? []);
  return [...new Set(backends)]
    .map((name) => ({ from, to: serviceId(`${ingress.metadata?.namespace ?? ''}/${name}`) }))
    .filter(({ to }) => services.has(to));
}

function endpointLinks(
  { slices }: ClusterObjects,
  boxOfPod: ReadonlyMap<string, string>,
  services: ReadonlySet<string>,
): DeclaredLink[] {
  // An endpoint stands in the slice of each family; its pod counts once.
  const seen = new Map<string, Map<string, boolean>>();
  for (const slice of slices) {
    const from = serviceId(
      `${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`,
    );
    if (!services.has(from)) continue;
    for (const { conditions, targetRef } of slice.endpoints ?? []) {
      if (targetRef?.kind !== 'Pod') continue;
      const pod = `${targetRef.namespace ?? ''}/${targetRef.name ?? ''}`;
      const to = boxOfPod.get(pod);
      if (to === undefined) continue;
      const link = `${from} ${to}`;
      const pods = seen.get(link) ?? new Map<string, boolean>();
      seen.set(link, pods.set(pod, conditions?.ready !== false));
    }
  }
  return [...seen].map(([link, pods]) => {
    const [from = '', to = ''] = link.split(' ');
    return { from, to, ready: [...pods.values()].filter(Boolean).length, all: pods.size };
  });
}

/** A Service that would lead to the pods of a Deployment, if it had any. */
const emptyLinks = (services: readonly Service[], empty: readonly Revision[]): readonly DeclaredLink[] =>
  services.flatMap((service) =>
    empty
      .filter(
        (revision) =>
          revision.namespace === (service.metadata?.namespace ?? '') && wouldServe(service.spec?.selector, revision),
      )
      .map((revision) => ({ from: serviceId(keyOf(service)), to: replicaSetId(revision), ready: 0, all: 0 })),
  );

interface Group {
  readonly id: string;
  readonly namespace: string;
  readonly type: string;
  readonly name: string;
  readonly hash: string;
  /** Of the pods that it would have; undefined: it has some. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly pods: Pod[];
}

function workloadsOf(
  { pods, policies }: ClusterObjects,
  revisions: ReadonlyMap<string, Revision>,
): { readonly workloads: readonly Box[]; readonly empty: readonly Revision[] } {
  const groups = new Map<string, Group>();
  for (const pod of pods) if (!hasEnded(pod)) addTo(groups, pod);
  const empty = withoutPods(revisions.values(), (revision) => groups.has(replicaSetId(revision)));
  for (const revision of empty) groups.set(replicaSetId(revision), emptyGroup(revision));
  const generations = new Map<string, Group[]>();
  for (const group of groups.values()) {
    const owner = `${group.namespace}/${group.type}/${group.name}`;
    generations.set(owner, [...(generations.get(owner) ?? []), group]);
  }
  const policiesIn = new Map<string, NetworkPolicy[]>();
  for (const policy of policies) {
    const namespace = policy.metadata?.namespace ?? '';
    policiesIn.set(namespace, [...(policiesIn.get(namespace) ?? []), policy]);
  }
  const revisionOf = ({ namespace, name, hash }: Group) => revisions.get(`${namespace}/${name}-${hash}`)?.number;
  const workloads = [...generations.values()].flatMap((all) => {
    // After a rollback the newest revision has the older ReplicaSet.
    const rank = (group: Group) => `${String(revisionOf(group) ?? 0).padStart(12, '0')} ${bornOf(group)}`;
    const newest = all.reduce((a, b) => (rank(b) > rank(a) ? b : a));
    return all.map((group) => {
      const revision = revisionOf(group);
      const generation = { hash: group.hash, isNewest: group === newest, ...(revision ? { revision } : {}) };
      return workloadBox(group, all.length > 1 ? generation : undefined, policiesIn);
    });
  });
  const ended = new Map<string, Group>();
  for (const pod of newestEnded(pods)) if (!groups.has(groupOf(pod).id)) addTo(ended, pod);
  const endedBoxes = [...ended.values()].map(
    (group): Box => ({ ...workloadBox(group, undefined, policiesIn), isEnded: true }),
  );
  return { workloads: [...workloads, ...endedBoxes], empty };
}

function addTo(groups: Map<string, Group>, pod: Pod): void {
  const group = groupOf(pod);
  const known = groups.get(group.id);
  if (known) known.pods.push(pod);
  else groups.set(group.id, group);
}

/** Connections of older ones are forgotten, and their addresses are in use again. */
const maxEnded = 50;

function newestEnded(pods: readonly Pod[]): readonly Pod[] {
  const created = ({ metadata }: Pod) => metadata?.creationTimestamp ?? '';
  return pods
    .filter(hasEnded)
    .sort((a, b) => (created(a) < created(b) ? 1 : -1))
    .slice(0, maxEnded);
}

/** When its first pod was created: RFC 3339 in UTC sorts as text. */
const bornOf = ({ pods }: Group): string =>
  pods.map(({ metadata }) => metadata?.creationTimestamp ?? '').reduce((a, b) => (a < b ? a : b), '~');

const emptyGroup = (revision: Revision): Group => ({
  id: replicaSetId(revision),
  namespace: revision.namespace,
  type: 'Deployment',
  name: revision.name,
  hash: revision.hash,
  labels: revision.labels,
  pods: [],
});

function groupOf(pod: Pod): Group {
  const { namespace = '', name = '', labels = {}, ownerReferences = [] } = pod.metadata ?? {};
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const hash = labels['pod-template-hash'] ?? '';
  const id = `workload/${namespace}/${owner ? `${owner.kind}/${owner.name}` : `Pod/${name}`}`;
  if (!owner) return { id, namespace, type: 'Pod', name, hash: '', pods: [pod] };
  // The Deployment controller names a ReplicaSet DEPLOYMENT-HASH.
  if (owner.kind === 'ReplicaSet' && hash !== '' && owner.name.endsWith(`-${hash}`)) {
    return { id, namespace, type: 'Deployment', name: owner.name.slice(0, -hash.length - 1), hash, pods: [pod] };
  }
  return { id, namespace, type: owner.kind, name: owner.name, hash: '', pods: [pod] };
}

const workloadRefs: Readonly<Record<string, ResourceRef>> = {
  Pod: refs.pods,
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  ReplicaSet: { group: 'apps', version: 'v1', plural: 'replicasets' },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets' },
  DaemonSet: { group: 'apps', version: 'v1', plural: 'daemonsets' },
  Job: { group: 'batch', version: 'v1', plural: 'jobs' },
  ReplicationController: { group: '', version: 'v1', plural: 'replicationcontrollers' },
};

function workloadBox(
  group: Group,
  generation: Box['generation'],
  policiesIn: ReadonlyMap<string, readonly NetworkPolicy[]>,
): Box {
  const { id, namespace, type, name, labels, pods } = group;
  const resource = workloadRefs[type];
  const selecting = (policiesIn.get(namespace) ?? []).filter(({ spec }) =>
    [...(labels ? [labels] : []), ...pods.map(({ metadata }) => metadata?.labels)].some((one) =>
      selects(spec?.podSelector, one),
    ),
  );
  return {
    ...plain(id, 'workload'),
    namespace,
    name,
    type,
    ...(resource ? { object: { resource, namespace, name } } : {}),
    pods: pods.map(dotOf).sort((a, b) => (a.name < b.name ? -1 : 1)),
    policies: selecting.map(keyOf),
    ...(generation ? { generation } : {}),
  };
}

/** The timeline keeps some hundred structures: a pod that has not changed is the same dot in all of them. */
const dots = new WeakMap<Pod, PodDot>();

function dotOf(pod: Pod): PodDot {
  const known = dots.get(pod);
  if (known) return known;
  const dot = newDot(pod);
  dots.set(pod, dot);
  return dot;
}

function newDot(pod: Pod): PodDot {
  const isReady = isTrue(pod.status?.conditions, 'Ready');
  const trouble = troubleOf(pod);
  const isDeleting = pod.metadata?.deletionTimestamp !== undefined;
  const isStarting = pod.status?.phase === 'Pending';
  const isDone = pod.status?.phase === 'Succeeded';
  return {
    key: keyOf(pod),
    name: pod.metadata?.name ?? '',
    node: pod.spec?.nodeName ?? '',
    // A pod in the network of its node has the node's address: its packets are those of the node.
    addresses: pod.spec?.hostNetwork ? [] : addressesOf(pod),
    tone:
      isDeleting || isDone
        ? 'none'
        : isReady
          ? 'good'
          : isStarting && !(trouble && isFailing(trouble.state))
            ? 'wait'
            : 'bad',
    isReady: isReady && !isDeleting,
    ...(trouble ? { trouble } : {}),
  };
}
