// How good the use of a node's resources is with a pod on it: the strategies of NodeResourcesFit. Whole numbers, rounded down as
// upstream, so that the same nodes are equally good. Pure.
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { maxScore } from './plugin';

export interface ResourceSpec {
  readonly name: string;
  readonly weight: number;
}

/** A point of a broken line: utilization in percent → score from 0 to 10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

export interface ScoringStrategy {
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  readonly resources: readonly ResourceSpec[];
  /** Of RequestedToCapacityRatio, by growing utilization; at least one point. */
  readonly shape?: readonly ShapePoint[];
}

export const cpuAndMemory: readonly ResourceSpec[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

const isNative = (name: string): boolean => name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';

/** One resource of a pod, prepared for all nodes. Numbers only: a decision reads thousands of them. */
export interface Asked {
  readonly name: string;
  readonly weight: number;
  /** How much the pod adds to the use of its node. */
  readonly added: number;
  /** Of cpu and memory with assumed amounts; else the use is what pods request. */
  readonly assumed: 'cpu' | 'memory' | undefined;
}

/**
 * The resources that count for a pod: an extended one only when the pod wants it. With `assume`, containers without requests count with
 * a default amount of cpu and memory.
 */
export function askedOf(resources: readonly ResourceSpec[], pod: PodInfo, assume: boolean): readonly Asked[] {
  return resources.flatMap(({ name, weight }): Asked[] => {
    const assumed = assume && (name === 'cpu' || name === 'memory') ? name : undefined;
    const added = assumed ? pod.scoring[assumed] : (pod.requests[name] ?? 0);
    return added === 0 && !isNative(name) ? [] : [{ name, weight, added, assumed }];
  });
}

/** What the pods of the node use, without the pod. */
export const useBefore = ({ name, assumed }: Asked, node: NodeInfo): number =>
  assumed === undefined ? node.uses(name) : assumed === 'cpu' ? node.scoring.cpu : node.scoring.memory;

/** The scores of nodes from 0 to 100. */
export function strategyScores(
  { type, resources, shape = [] }: ScoringStrategy,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
): readonly number[] {
  const asked = askedOf(resources, pod, true);
  const rate = { LeastAllocated: freeShare, MostAllocated: usedShare, RequestedToCapacityRatio: onShape(shape) }[type];
  const byRatio = type === 'RequestedToCapacityRatio';
  return nodes.map((node) => {
    let sum = 0;
    let weights = 0;
    for (const one of asked) {
      const offered = node.offers(one.name);
      if (offered === 0) continue;
      const score = rate(offered, useBefore(one, node) + one.added);
      if (byRatio && score <= 0) continue;
      sum += score * one.weight;
      weights += one.weight;
    }
    if (weights === 0) return 0;
    return byRatio ? Math.round(sum / weights) : Math.floor(sum / weights);
  });
}

const freeShare = (offered: number, after: number): number =>
  after > offered ? 0 : Math.floor(((offered - after) * maxScore) / offered);

const usedShare = (offered: number, after: number): number =>
  Math.floor((Math.min(after, offered) * maxScore) / offered);

function onShape(shape: readonly ShapePoint[]): (offered: number, after: number) => number {
  return (offered, after) => valueAt(shape, after > offered ? 100 : Math.floor((after * 100) / offered));
}

/** The value of the broken line, scaled from 0..10 to 0..100. */
function valueAt(shape: readonly ShapePoint[], utilization: number): number {
  const scaled = ({ score }: ShapePoint) => (score * maxScore) / 10;
  const next = shape.findIndex((point) => utilization <= point.utilization);
  if (next === 0) return scaled(shape[0]!);
  const [from, to] = [shape.at(next - 1)!, shape[next]];
  if (next < 0 || !to) return scaled(shape.at(-1)!);
  const rise = (scaled(to) - scaled(from)) * (utilization - from.utilization);
  return scaled(from) + Math.trunc(rise / (to.utilization - from.utilization));
}
