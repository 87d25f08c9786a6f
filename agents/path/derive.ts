// What controllers would make of changed objects: the pods of a changed workload, and the EndpointSlices of Services whose selector, ports
// or pods change, by the plan of the EndpointSlice controller. Pure.
import {
  daemonSets,
  deployments,
  type EndpointSlice,
  isTerminal,
  type Node,
  type Pod,
  pods,
  type Service,
  serviceKeyOf,
  statefulSets,
} from '../../controlplane/api';
import { matchesSelector, selectorFromLabelSelector } from '../../controlplane/api/selector';
import type { KubeObject } from '../../controlplane/api/types';
import { managedBy, planSlices } from '../../controlplane/controllers/endpointslice/plan';
import type { Rehearsed } from './rehearse';
import { keyOf } from './service-check';

/** By key; undefined: gone. */
export type Changed<T> = ReadonlyMap<string, T | undefined>;

export interface Derived<T> {
  readonly changed: Changed<T>;
  /** By `Deployment shop/web`. */
  readonly notes: ReadonlyMap<string, string>;
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly selector?: object;
  readonly template?: Pod;
}
const specOf = (object: KubeObject | undefined): WorkloadSpec =>
  ((object as { spec?: WorkloadSpec } | undefined)?.spec ?? {}) as WorkloadSpec;

/** Kinds whose pods are replaced when the template changes. */
const rolled: readonly object[] = [deployments, statefulSets, daemonSets];

/**
 * Pods that change: those of the manifest, and those of changed workloads. A new pod is taken to come in the place of an old one, at its
 * node and with its address. @param all pods of the namespaces of these objects
 */
export function derivePods(rehearsed: readonly Rehearsed[], all: readonly Pod[]): Derived<Pod> {
  const changed = new Map<string, Pod | undefined>();
  const notes = new Map<string, string>();
  for (const { kind, key, before, after, change } of rehearsed) {
    if (change === 'unchanged') continue;
    if (kind === pods) changed.set(key, after as Pod | undefined);
    if (!rolled.includes(kind)) continue;
    const label = `${kind.kind} ${key}`;
    if (before === undefined) {
      notes.set(label, 'its pods do not exist yet, so nothing leads to them');
      continue;
    }
    const selector = selectorFromLabelSelector(specOf(before).selector ?? {});
    const [namespace] = key.split('/');
    const own = all.filter(
      (pod) =>
        pod.metadata?.namespace === namespace &&
        selector !== undefined &&
        matchesSelector(selector, pod.metadata?.labels) &&
        !isTerminal(pod),
    );
    const { template, replicas = 1 } = specOf(after);
    const scales = kind !== daemonSets;
    if (after === undefined || (scales && replicas === 0)) {
      for (const pod of own) changed.set(keyOf(pod), undefined);
      continue;
    }
    if (scales && replicas !== own.length && replicas !== (specOf(before).replicas ?? 1))
      notes.set(label, 'which pods would come or go is not known: those of today are taken');
    if (template && isOther(specOf(before).template, template))
      for (const pod of own) changed.set(keyOf(pod), rolledPod(pod, specOf(before).template, template));
  }
  return { changed, notes };
}

const portsOf = (template: Pod | undefined) =>
  (template?.spec?.containers ?? []).map(({ name, ports }) => ({ name, ports }));

/** In what Services and policies see of a pod. */
const isOther = (before: Pod | undefined, after: Pod): boolean =>
  JSON.stringify([before?.metadata?.labels, portsOf(before)]) !==
  JSON.stringify([after.metadata?.labels, portsOf(after)]);

function rolledPod(pod: Pod, before: Pod | undefined, template: Pod): Pod {
  const old = before?.metadata?.labels ?? {};
  // Others are the controller's, such as pod-template-hash.
  const kept = Object.entries(pod.metadata?.labels ?? {}).filter(([name]) => !Object.hasOwn(old, name));
  const labels = { ...Object.fromEntries(kept), ...template.metadata?.labels };
  const containers = template.spec?.containers ?? pod.spec?.containers ?? [];
  return { ...pod, metadata: { ...pod.metadata, labels }, spec: { ...pod.spec, containers } };
}

export interface SliceWorld {
  /** Of the namespaces where something changes, as they would be. */
  readonly services: readonly Service[];
  readonly pods: readonly Pod[];
  /** Those that selected before; their Services lose them. */
  readonly podsBefore: readonly Pod[];
  readonly changedPods: Changed<Pod>;
  readonly changedServices: Changed<Service>;
  /** As they are. */
  readonly slices: readonly EndpointSlice[];
  readonly node: (name: string) => Node | undefined;
}

/** EndpointSlices that would change. Slices that somebody else wrote stay as they are. */
export function deriveSlices(world: SliceWorld): Changed<EndpointSlice> {
  const changed = new Map<string, EndpointSlice | undefined>();
  const byKey = new Map(world.services.map((service) => [keyOf(service), service]));
  const pods = podIndex(world.pods);
  const owned = Map.groupBy(
    world.slices.filter(({ metadata }) => metadata?.labels?.[managedByLabel] === managedBy),
    serviceKeyOf,
  );
  for (const key of servicesTouched(world)) {
    const service = byKey.get(key);
    const selected = service ? pods(service) : [];
    const steps = planSlices({ service, pods: selected, slices: owned.get(key) ?? [], node: world.node });
    for (const [i, { action, slice }] of steps.entries()) {
      const name = slice.metadata?.name ?? `${key.split('/')[1]}-what-if-${i}`;
      const after = { ...slice, metadata: { ...slice.metadata, name } };
      changed.set(keyOf(after), action === 'delete' ? undefined : after);
    }
  }
  return changed;
}

const managedByLabel = 'endpointslice.kubernetes.io/managed-by';

function servicesTouched({ services: all, pods: now, podsBefore, changedPods, changedServices }: SliceWorld) {
  const keys = new Set(changedServices.keys());
  const touched = podIndex([...podsBefore, ...now].filter((pod) => changedPods.has(keyOf(pod))));
  for (const service of all) if (touched(service).length > 0) keys.add(keyOf(service));
  return keys;
}

/**
 * From a Service to the pods that it selects. There may be thousands of both in a namespace, so the rarest label of the selector leads to
 * the few pods that are compared.
 */
function podIndex(all: readonly Pod[]): (service: Service) => readonly Pod[] {
  const byLabel = new Map<string, Pod[]>();
  const labelOf = (namespace: string | undefined, name: string, value: string) => `${namespace}/${name}=${value}`;
  for (const pod of all) {
    const { namespace, labels = {} } = pod.metadata ?? {};
    for (const [name, value] of Object.entries(labels)) {
      const label = labelOf(namespace, name, value);
      const having = byLabel.get(label);
      if (having) having.push(pod);
      else byLabel.set(label, [pod]);
    }
  }
  return ({ metadata, spec }) => {
    const wanted = Object.entries(spec?.selector ?? {});
    const lists = wanted.map(([name, value]) => byLabel.get(labelOf(metadata?.namespace, name, value)) ?? []);
    const [fewest = []] = lists.toSorted((a, b) => a.length - b.length);
    return fewest.filter((pod) => wanted.every(([name, value]) => pod.metadata?.labels?.[name] === value));
  };
}

export const changedOf = <T extends KubeObject>(rehearsed: readonly Rehearsed[], kind: object): Changed<T> =>
  new Map(
    rehearsed
      .filter((one) => one.kind === kind && one.change !== 'unchanged')
      .map(({ key, after }) => [key, after as T | undefined]),
  );

export const namespacesOf = (rehearsed: readonly Rehearsed[]): readonly string[] => [
  ...new Set(rehearsed.flatMap(({ kind, key }) => (kind.namespaced ? [key.split('/')[0]!] : []))),
];
