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

/** What a node offers of a resource, and what its pods use without and with the new pod; all 0 when the resource does not count. */
export interface Use {
  readonly offered: number;
  readonly before: number;
  readonly after: number;
}
const unused: Use = { offered: 0, before: 0, after: 0 };

const isNative = (name: string): boolean => name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';

/** With `assumed`, containers without requests count with a default amount of cpu and memory. */
export function useOf(name: string, pod: PodInfo, node: NodeInfo, assumed: boolean): Use {
  const offered = node.allocatable[name] ?? 0;
  const counted = assumed && (name === 'cpu' || name === 'memory') ? name : undefined;
  const added = counted ? pod.scoring[counted] : (pod.requests[name] ?? 0);
  if (offered === 0 || (added === 0 && !isNative(name))) return unused;
  const before = counted ? node.scoring[counted] : (node.requested[name] ?? 0);
  return { offered, before, after: before + added };
}

/** The score of a node from 0 to 100. */
export function strategyScore({
  type,
  resources,
  shape = [],
}: ScoringStrategy): (pod: PodInfo, node: NodeInfo) => number {
  const rate = { LeastAllocated: freeShare, MostAllocated: usedShare, RequestedToCapacityRatio: onShape(shape) }[type];
  const byRatio = type === 'RequestedToCapacityRatio';
  return (pod, node) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const use = useOf(name, pod, node, true);
      if (use.offered === 0) continue;
      const score = rate(use);
      if (byRatio && score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return byRatio ? Math.round(sum / weights) : Math.floor(sum / weights);
  };
}

const freeShare = ({ offered, after }: Use): number =>
  after > offered ? 0 : Math.floor(((offered - after) * maxScore) / offered);

const usedShare = ({ offered, after }: Use): number => Math.floor((Math.min(after, offered) * maxScore) / offered);

function onShape(shape: readonly ShapePoint[]): (use: Use) => number {
  return ({ offered, after }) => valueAt(shape, after > offered ? 100 : Math.floor((after * 100) / offered));
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
