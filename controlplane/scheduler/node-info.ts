// What the scheduler knows of a node: its resources, and what its pods use. Pods that are about to be bound count too.
import type { Node } from '../api/node';
import type { HostPort } from '../api/pods/host-ports';
import type { PodInfo } from './pod-info';
import { type Resources, toResources } from './resources';

export type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

/** The node alone, without pods. */
export function nodeInfo(node: Node): NodeInfo {
  const info = new NodeInfo(node.metadata?.name ?? '');
  info.setNode(node);
  return info;
}

export class NodeInfo {
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Record<string, number> = {};
  readonly scoring = { cpu: 0, memory: 0 };
  readonly hostPorts: HostPort[] = [];
  /** Pods that have affinity or anti-affinity to other pods: usually few, so a loop over them is short. */
  readonly withAffinity = new Map<string, PodInfo>();
  /** Pods that use PersistentVolumeClaims. */
  readonly withClaims = new Map<string, PodInfo>();
  /** Pods per controller, for the soft spreading of replicas. */
  readonly perController = new Map<string, number>();

  labels: Readonly<Record<string, string>> = {};
  taints: readonly Taint[] = [];
  unschedulable = false;
  allocatable: Resources = {};
  /** Image name → size in bytes. */
  images: ReadonlyMap<string, number> = new Map();
  private source: Node | undefined;

  constructor(readonly name: string) {}

  /** Undefined while pods name this node but the Node object is unknown. */
  get node(): Node | undefined {
    return this.source;
  }

  setNode(node: Node | undefined): void {
    this.source = node;
    this.labels = node?.metadata?.labels ?? {};
    this.taints = node?.spec?.taints ?? [];
    this.unschedulable = node?.spec?.unschedulable === true;
    this.allocatable = toResources(node?.status?.allocatable);
    this.images = new Map(
      (node?.status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) =>
        names.map((name) => [name, sizeBytes] as const),
      ),
    );
  }

  add(pod: PodInfo): void {
    this.remove(pod.uid);
    this.pods.set(pod.uid, pod);
    this.count(pod, 1);
    this.hostPorts.push(...pod.hostPorts);
    if (hasAffinity(pod)) this.withAffinity.set(pod.uid, pod);
    if (pod.claims.length > 0) this.withClaims.set(pod.uid, pod);
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.pods.delete(uid);
    this.withAffinity.delete(uid);
    this.withClaims.delete(uid);
    this.count(pod, -1);
    for (const port of pod.hostPorts) this.hostPorts.splice(this.hostPorts.indexOf(port), 1);
  }

  /** How much of a resource the node offers; the engine finds the usual names faster when they stand in the code. */
  offers(name: string): number {
    const { allocatable } = this;
    if (name === 'cpu') return allocatable['cpu'] ?? 0;
    if (name === 'memory') return allocatable['memory'] ?? 0;
    return allocatable[name] ?? 0;
  }

  /** How much of a resource the pods of the node request. */
  uses(name: string): number {
    const { requested } = this;
    if (name === 'cpu') return requested['cpu'] ?? 0;
    if (name === 'memory') return requested['memory'] ?? 0;
    return requested[name] ?? 0;
  }

  /** A copy: preemption removes pods from the copy to see what would fit. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    const { source, labels, taints, unschedulable, allocatable, images } = this;
    Object.assign(copy, { source, labels, taints, unschedulable, allocatable, images });
    for (const pod of this.pods.values()) copy.add(pod);
    return copy;
  }

  private count(pod: PodInfo, sign: 1 | -1): void {
    for (const name in pod.requests) this.requested[name] = (this.requested[name] ?? 0) + sign * pod.requests[name]!;
    this.scoring.cpu += sign * pod.scoring.cpu;
    this.scoring.memory += sign * pod.scoring.memory;
    if (pod.controller === undefined || pod.terminating) return;
    const left = (this.perController.get(pod.controller) ?? 0) + sign;
    if (left > 0) this.perController.set(pod.controller, left);
    else this.perController.delete(pod.controller);
  }
}

const hasAffinity = (pod: PodInfo): boolean =>
  pod.affinity.length + pod.antiAffinity.length + pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
