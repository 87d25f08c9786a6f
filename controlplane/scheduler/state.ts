// What the scheduler knows of the cluster: nodes with their pods. A pod counts on its node from the decision on (assumed), before the
// informer's copy shows the binding. So each decision sees the earlier decisions.
import type { Node } from '../api/node';
import { NodeInfo } from './node-info';
import type { ClusterIndex } from './plugins/plugin';
import type { PodInfo } from './pod-info';

export class ClusterState {
  private readonly infos = new Map<string, NodeInfo>();
  /** uid → node on which the pod counts. */
  private readonly places = new Map<string, string>();
  private readonly assumed = new Set<string>();
  /** Node → uid → pod for which preemption frees room there. */
  private readonly nominations = new Map<string, Map<string, PodInfo>>();
  private readonly nominatedTo = new Map<string, string>();
  private ordered: readonly NodeInfo[] | undefined;
  private readonly affine = new Set<NodeInfo>();
  private readonly byController = new Map<string, Set<NodeInfo>>();
  readonly index: ClusterIndex = {
    withAffinity: this.affine,
    nodesOf: (controller) => this.byController.get(controller) ?? [],
  };

  /** The nodes that exist, in a stable order. */
  nodes(): readonly NodeInfo[] {
    this.ordered ??= [...this.infos.values()].filter(({ node }) => node !== undefined);
    return this.ordered;
  }

  node(name: string): NodeInfo | undefined {
    return this.infos.get(name);
  }

  setNode(name: string, node: Node | undefined): void {
    const info = this.info(name);
    const known = info.node !== undefined;
    info.setNode(node);
    if (known !== (node !== undefined)) this.ordered = undefined;
    this.drop(name);
  }

  /** Counts a pod that the API shows as bound. */
  place(pod: PodInfo, node: string): void {
    this.assumed.delete(pod.uid);
    this.put(pod, node);
  }

  /** Counts a pod on the node that was chosen for it, until place() or remove(). */
  assume(pod: PodInfo, node: string): void {
    this.assumed.add(pod.uid);
    this.put(pod, node);
  }

  get sizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number } {
    return { nodes: this.nodes().length, pods: this.places.size, assumed_pods: this.assumed.size };
  }

  isAssumed(uid: string): boolean {
    return this.assumed.has(uid);
  }

  /** The pod has ended, is deleted, or its binding failed. Returns whether it counted on a node. */
  remove(uid: string): boolean {
    this.assumed.delete(uid);
    const place = this.places.get(uid);
    if (place === undefined) return false;
    this.places.delete(uid);
    this.take(place, uid);
    this.drop(place);
    return true;
  }

  /** Keeps room on the node for a pod that is not bound yet; undefined ends that. */
  nominate(pod: PodInfo, node: string | undefined): void {
    const before = this.nominatedTo.get(pod.uid);
    if (before !== undefined) {
      const there = this.nominations.get(before);
      there?.delete(pod.uid);
      if (there?.size === 0) this.nominations.delete(before);
      this.nominatedTo.delete(pod.uid);
    }
    if (node === undefined) return;
    const there = this.nominations.get(node) ?? new Map<string, PodInfo>();
    this.nominations.set(node, there.set(pod.uid, pod));
    this.nominatedTo.set(pod.uid, node);
  }

  nominated(node: string): readonly PodInfo[] {
    return this.nominations.size === 0 ? [] : [...(this.nominations.get(node)?.values() ?? [])];
  }

  private put(pod: PodInfo, node: string): void {
    const place = this.places.get(pod.uid);
    if (place !== undefined) this.take(place, pod.uid);
    this.places.set(pod.uid, node);
    const info = this.info(node);
    info.add(pod);
    this.follow(info, pod);
  }

  private take(node: string, uid: string): void {
    const info = this.infos.get(node);
    const pod = info?.pods.get(uid);
    if (!info || !pod) return;
    info.remove(uid);
    this.follow(info, pod);
  }

  /** Keeps the index after the pod has come to the node or has left it. */
  private follow(info: NodeInfo, { controller }: PodInfo): void {
    if (info.withAffinity.size > 0) this.affine.add(info);
    else this.affine.delete(info);
    if (controller === undefined) return;
    const nodes = this.byController.get(controller) ?? new Set<NodeInfo>();
    if (info.perController.has(controller)) nodes.add(info);
    else nodes.delete(info);
    if (nodes.size > 0) this.byController.set(controller, nodes);
    else this.byController.delete(controller);
  }

  private info(name: string): NodeInfo {
    let info = this.infos.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.infos.set(name, info);
    }
    return info;
  }

  private drop(name: string): void {
    const info = this.infos.get(name);
    if (info && info.node === undefined && info.pods.size === 0) this.infos.delete(name);
  }
}
