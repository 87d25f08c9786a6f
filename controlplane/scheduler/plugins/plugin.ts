// What a scheduler plug-in is: one record. For a pod, the scheduler calls its parts in this order: filter, score, reserve, preBind.
import type { NamespaceLabels } from '../affinity';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';

export interface SchedulerPlugin {
  /** Upstream's name, where upstream has the plug-in. */
  readonly name: string;
  /** After these changes a pod that this plug-in refused is tried again. A new node and a change of the pod itself always count. */
  readonly helpedBy: readonly ClusterChange[];
  /**
   * Gathers, once for each pod, what the check of one node needs, and returns that check. Undefined when every node passes: then no
   * node is checked. Pure.
   */
  filter?(cycle: SchedulingCycle): NodeCheck | undefined;
  readonly score?: {
    readonly weight: number;
    /** From 0 to 100 for each of `feasible`, in that order; more is better. Undefined when all are equal. Pure. */
    rate(cycle: SchedulingCycle, feasible: readonly NodeInfo[]): readonly number[] | undefined;
  };
  /**
   * Reserves in memory what the pod needs on the chosen node. Returns how to release it: the scheduler calls that when preBind or
   * the binding fails. When it throws, the pod has no node and is tried again after its back-off.
   */
  reserve?(pod: PodInfo, node: string): () => void;
  /** Writes what must exist before the binding, in the background. When it throws, the pod is not bound and is tried again. */
  preBind?(pod: PodInfo, node: string, signal: AbortSignal): Promise<void>;
}

/** What one decision for one pod rests on. */
export interface SchedulingCycle {
  readonly pod: PodInfo;
  /** All nodes that exist: pods on other nodes count for spreading and affinity. */
  readonly nodes: readonly NodeInfo[];
  readonly namespaceLabels: NamespaceLabels;
}

/** Undefined when the pod may run on the node. */
export type NodeCheck = (node: NodeInfo) => NodeRefusal | undefined;

export interface NodeRefusal {
  /** In kube-scheduler's words: people search for them. */
  readonly reasons: readonly string[];
  /** False when the removal of pods from the node cannot help. */
  readonly resolvable: boolean;
}

/** What happened in the cluster, by what it may change for waiting pods. */
export type ClusterChange =
  | 'node-added'
  | 'node-labels'
  | 'node-taints'
  | 'node-capacity'
  | 'pod-removed'
  /** A resize has left room on the node of a pod. */
  | 'pod-scaled-down'
  | 'pod-assigned'
  /** The waiting pod itself has changed. */
  | 'pod-updated';

export const maxScore = 100;

/** A refusal that preemption cannot lift. */
export const never = (reason: string): NodeRefusal => ({ reasons: [reason], resolvable: false });

/** A refusal that preemption may lift. */
export const notNow = (reason: string): NodeRefusal => ({ reasons: [reason], resolvable: true });
