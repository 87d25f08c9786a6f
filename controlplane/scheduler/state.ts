// What the scheduler knows of the cluster: nodes with their pods. A pod counts on its node from the decision on (assumed), before the
// informer's copy shows the binding. So each decision sees the earlier decisions.
import type { Node } from '../api/node';
import { NodeInfo } from './node-info';
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
    this.infos.get(place)?.remove(uid);
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
    if (place !== undefined && place !== node) this.infos.get(place)?.remove(pod.uid);
    this.places.set(pod.uid, node);
    this.info(node).add(pod);
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
