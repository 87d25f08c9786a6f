// What a scheduler plug-in is: one record. For a pod, the scheduler calls its parts in this order: filter, score, reserve, preBind.

import type { Steps } from '../../base/steps';
import type { NamespaceLabels } from '../affinity';
import type { Hints } from '../events';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';

export interface SchedulerPlugin {
  /** Upstream's name, where upstream has the plug-in. */
  readonly name: string;
  /** After which events a pod that this plug-in refused is tried again. A change of the pod itself always counts. */
  readonly helpedBy: Hints;
  /**
   * Gathers, once for each pod, what the check of one node needs, and returns that check. Undefined when every node passes: then no
   * node is checked. Pure; steps where a pod may ask for much work.
   */
  filter?(cycle: SchedulingCycle): Filtered | Steps<Filtered>;
  readonly score?: {
    readonly weight: number;
    /** From 0 to 100 for each of `feasible`, in that order; more is better. Undefined when all are equal. Pure, as filter. */
    rate(cycle: SchedulingCycle, feasible: readonly NodeInfo[]): Rated | Steps<Rated>;
  };
  /**
   * Reserves in memory what the pod needs on the chosen node. Returns how to release it: the scheduler calls that when preBind or
   * the binding fails. When it throws, the pod has no node and is tried again after its back-off.
   */
  reserve?(pod: PodInfo, node: NodeInfo): () => void;
  /** Whether preBind writes or waits for this pod, which reserve() has seen: the pod's nominatedNodeName then shows the node (KEP-5278). */
  needsPreBind?(pod: PodInfo): boolean;
  /** Writes what must exist before the binding, in the background. When it throws, the pod is not bound and is tried again. */
  preBind?(pod: PodInfo, node: string, signal: AbortSignal): Promise<void>;
}

export type Filtered = NodeCheck | PodVerdict | undefined;
export type Rated = readonly number[] | undefined;

/** So many comparisons of a pod or node with a term take some tenths of a millisecond: then a decision looks at the clock. */
export const comparisonsPerLook = 2_000;

/** What one decision for one pod rests on. */
export interface SchedulingCycle {
  readonly pod: PodInfo;
  /** All nodes that exist: pods on other nodes count for spreading and affinity. */
  readonly nodes: readonly NodeInfo[];
  readonly namespaceLabels: NamespaceLabels;
  /** Which of the nodes have pods of a kind. Absent when `nodes` are not the present ones, e.g. in a preemption: then all are looked at. */
  readonly index?: ClusterIndex | undefined;
}

/** Short ways to the few nodes that matter in a large cluster. */
export interface ClusterIndex {
  /** Nodes with a pod that has affinity or anti-affinity. */
  readonly withAffinity: Iterable<NodeInfo>;
  /** Nodes with a pod of this controller (PodInfo.controller). */
  nodesOf(controller: string): Iterable<NodeInfo>;
}

/** Undefined when the pod may run on the node. */
export type NodeCheck = (node: NodeInfo) => NodeRefusal | undefined;

/** What a plug-in knows before it looks at single nodes. */
export interface PodVerdict {
  /** No node can have the pod; no node is checked. */
  readonly refusal?: NodeRefusal;
  /** Only nodes of these names can have the pod. */
  readonly only?: ReadonlySet<string>;
  readonly check?: NodeCheck;
}

export interface NodeRefusal {
  /** In kube-scheduler's words: people search for them. */
  readonly reasons: readonly string[];
  /** False when the removal of pods from the node cannot help. */
  readonly resolvable: boolean;
}

export const maxScore = 100;

/** A refusal that preemption cannot lift. */
export const never = (reason: string): NodeRefusal => ({ reasons: [reason], resolvable: false });

/** A refusal that preemption may lift. */
export const notNow = (reason: string): NodeRefusal => ({ reasons: [reason], resolvable: true });
