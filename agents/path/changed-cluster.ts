// The cluster as it would be with changed objects: they stand in front of those that are read, and nodes are asked with them.
import {
  type EndpointSlice,
  endpointSlices,
  type Namespace,
  type NetworkPolicy,
  namespaces,
  networkPolicies,
  nodes,
  type Pod,
  pods,
  type Service,
  serviceKeyOf,
  services,
} from '../../controlplane/api';
import type { KindRef } from '../../controlplane/api/kind';
import type { KubeObject } from '../../controlplane/api/types';
import { BadRequest } from '../../controlplane/base/errors';
import type { HopWhatIf } from '../../controlplane/base/hops';
import type { ObjectChange } from '../../controlplane/base/path-report';
import { ClusterReader } from './cluster';
import { type Changed, changedOf, derivePods, deriveSlices, namespacesOf } from './derive';
import type { Rehearsed } from './rehearse';
import { keyOf } from './service-check';

/** As kubelets take it, with room for the questions. */
const maxBytes = 1_000_000;

/** That a manifest changes, or that select the pods that it changes. */
const maxServices = 500;
const tooMany = (): BadRequest =>
  new BadRequest('the manifest changes more than nodes can be asked with: try fewer objects at once');

type Changes = ReadonlyMap<string, Changed<KubeObject>>;
const nameOf = ({ group, plural }: KindRef): string => `${plural}.${group}`;

export class ChangedCluster extends ClusterReader {
  constructor(
    private readonly real: ClusterReader,
    private readonly changes: Changes,
    whatIf: HopWhatIf | undefined,
    /** What is not in the manifest, and would change too. */
    readonly derived: readonly ObjectChange[],
    /** By `Deployment shop/web`. */
    readonly notes: ReadonlyMap<string, string>,
  ) {
    super(real.client, whatIf);
  }

  override get isChanged(): boolean {
    return true;
  }

  override async find<T extends KubeObject>(kind: KindRef<T>, key: string): Promise<T | undefined> {
    const changed = this.changes.get(nameOf(kind));
    return changed?.has(key) ? (changed.get(key) as T | undefined) : this.real.find(kind, key);
  }

  override async list<T extends KubeObject>(kind: KindRef<T>, namespace = ''): Promise<readonly T[]> {
    const all = await this.real.list(kind, namespace);
    const changed = this.changes.get(nameOf(kind)) as Changed<T> | undefined;
    return changed === undefined ? all : overlaid(all, changed, kind.namespaced, namespace);
  }
}

const idOf = (namespaced: boolean, object: KubeObject): string =>
  namespaced ? keyOf(object) : (object.metadata?.name ?? '');

function overlaid<T extends KubeObject>(
  all: readonly T[],
  changed: Changed<T>,
  namespaced = true,
  namespace = '',
): readonly T[] {
  const kept = all.flatMap((object) => {
    const key = idOf(namespaced, object);
    return changed.has(key) ? (changed.get(key) ?? []) : [object];
  });
  const known = new Set(all.map((object) => idOf(namespaced, object)));
  const added = [...changed].flatMap(([key, object]) =>
    object === undefined || known.has(key) || (namespace !== '' && object.metadata?.namespace !== namespace)
      ? []
      : [object],
  );
  return [...kept, ...added];
}

/** @throws Forbidden for what the caller may not read, BadRequest when more changes than a node can be asked with */
export async function changeCluster(real: ClusterReader, rehearsed: readonly Rehearsed[]): Promise<ChangedCluster> {
  const spaces = namespacesOf(rehearsed.filter(({ change }) => change !== 'unchanged'));
  const ofAll = async <T extends KubeObject>(kind: KindRef<T>) =>
    (await Promise.all(spaces.map((space) => real.list(kind, space)))).flat();
  const [podsNow, slicesNow, servicesNow, allNodes] = await Promise.all([
    ofAll(pods),
    ofAll(endpointSlices),
    ofAll(services),
    real.list(nodes),
  ]);
  const { changed: changedPods, notes } = derivePods(rehearsed, podsNow);
  const changedServices = changedOf<Service>(rehearsed, services);
  const servicesThen = overlaid(servicesNow, changedServices);
  const derivedSlices = deriveSlices({
    services: servicesThen,
    pods: overlaid(podsNow, changedPods),
    podsBefore: podsNow,
    changedPods,
    changedServices,
    slices: slicesNow,
    node: (name) => allNodes.find(({ metadata }) => metadata?.name === name),
  });
  const changedSlices = new Map([...derivedSlices, ...changedOf<EndpointSlice>(rehearsed, endpointSlices)]);
  const changes = new Map<string, Changed<KubeObject>>();
  for (const { kind } of rehearsed) changes.set(nameOf(kind), changedOf(rehearsed, kind));
  changes.set(nameOf(pods), changedPods);
  changes.set(nameOf(endpointSlices), changedSlices);
  const whatIf = forNodes({
    changedServices,
    changedSlices,
    changedPods,
    services: servicesThen,
    slicesBefore: slicesNow,
    policies: changedOf<NetworkPolicy>(rehearsed, networkPolicies),
    namespaces: changedOf<Namespace>(rehearsed, namespaces),
  });
  if (Buffer.byteLength(JSON.stringify(whatIf ?? {})) > maxBytes) throw tooMany();
  return new ChangedCluster(real, changes, whatIf, derivedOf(changedPods, changedSlices, rehearsed), notes);
}

function derivedOf(
  changedPods: Changed<Pod>,
  changedSlices: Changed<EndpointSlice>,
  rehearsed: readonly Rehearsed[],
): readonly ObjectChange[] {
  const named = new Set(rehearsed.map(({ kind, key }) => `${kind.kind} ${key}`));
  const list = (kind: string, changed: Changed<KubeObject>) =>
    [...changed].map(([key, object]) => ({
      object: `${kind} ${key}`,
      change: 'derived' as const,
      ...(object === undefined ? { note: 'would go, too' } : {}),
    }));
  return [...list('Pod', changedPods), ...list('EndpointSlice', changedSlices)].filter(
    ({ object }) => !named.has(object),
  );
}

interface ForNodes {
  readonly changedServices: Changed<Service>;
  readonly changedSlices: Changed<EndpointSlice>;
  readonly changedPods: Changed<Pod>;
  readonly services: readonly Service[];
  readonly slicesBefore: readonly EndpointSlice[];
  readonly policies: Changed<NetworkPolicy>;
  readonly namespaces: Changed<Namespace>;
}

/** Undefined: kube-proxy would write the same rules. Objects without what it does not read. */
function forNodes(given: ForNodes): HopWhatIf | undefined {
  const { changedServices, changedSlices, changedPods, services: all, slicesBefore, policies } = given;
  const before = new Map(slicesBefore.map((slice) => [keyOf(slice), slice]));
  const touched = new Set(changedServices.keys());
  for (const [key, slice] of changedSlices)
    for (const one of [slice, before.get(key)]) if (one) touched.add(serviceKeyOf(one));
  const slices = Map.groupBy(overlaid(slicesBefore, changedSlices), serviceKeyOf);
  const changed = all.filter((service) => touched.has(keyOf(service)));
  if (changed.length > maxServices) throw tooMany();
  const there = <T>(objects: Changed<T>) => [...objects.values()].filter((one): one is T & {} => one !== undefined);
  const gone = <T>(objects: Changed<T>) => [...objects].flatMap(([key, one]) => (one === undefined ? [key] : []));
  const goneKeys = { services: gone(changedServices), policies: gone(policies), pods: gone(changedPods) };
  const whatIf = {
    services: changed.map((service) => ({
      service: slimService(service),
      slices: (slices.get(keyOf(service)) ?? []).map(slimSlice),
    })),
    policies: there(policies).map(({ metadata, spec }) => ({ metadata: slimMetadata(metadata), spec })),
    pods: there(changedPods).map(slimPod),
    namespaces: there(given.namespaces).map(({ metadata }) => ({ metadata: slimMetadata(metadata) })),
    gone: goneKeys,
  };
  const { gone: _, ...lists } = whatIf;
  const isEmpty = [...Object.values(lists), ...Object.values(goneKeys)].every((list) => list.length === 0);
  return isEmpty ? undefined : whatIf;
}

const slimMetadata = ({ name, namespace, labels, deletionTimestamp }: NonNullable<KubeObject['metadata']> = {}) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  ...(labels === undefined ? {} : { labels }),
  ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
});

const slimService = ({ metadata, spec, status }: Service) => ({
  metadata: slimMetadata(metadata),
  spec,
  // Of a status kube-proxy reads this alone.
  ...(status?.loadBalancer ? { status: { loadBalancer: status.loadBalancer } } : {}),
});

const slimSlice = ({ metadata, addressType, ports, endpoints = [] }: EndpointSlice) => ({
  metadata: slimMetadata(metadata),
  addressType,
  ports,
  endpoints: endpoints.map(({ addresses, conditions, hints, nodeName }) => ({
    addresses,
    ...(conditions ? { conditions } : {}),
    ...(hints ? { hints } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
  })),
});

const slimPod = ({ metadata, spec, status }: Pod) => {
  const portsOf = (containers: NonNullable<Pod['spec']>['containers'] = []) =>
    containers.map(({ name, restartPolicy, ports }) => ({
      name,
      ...(restartPolicy ? { restartPolicy } : {}),
      ...(ports ? { ports } : {}),
    }));
  return {
    metadata: slimMetadata(metadata),
    spec: {
      ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
      ...(spec?.hostNetwork ? { hostNetwork: true } : {}),
      containers: portsOf(spec?.containers),
      initContainers: portsOf(spec?.initContainers),
    },
    status: { phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs },
  };
};
