// PodResizeValidator: a resize asks for no more than the whole node could give, and only of Linux nodes. Whether it fits next to the
// other pods is the kubelet's decision (KEP-1287).
import { type Node, nodes, type Pod, requestsOf } from '../../api/index';
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '../../api/quantity';
import { AppError } from '../../base/errors';
import { equalJson } from '../rest/equal';
import { type OpenRule, refusal, type Write } from '../write/rule';
import { resizesPod } from './pod-creation';

const osLabel = 'kubernetes.io/os';
const none: Quantity = parseQuantity('0');

export const podResize: OpenRule = ({ cache }) => ({
  name: 'PodResizeValidator',
  concerns: resizesPod,
  validate(write) {
    const [{ spec }, old] = [write.object as Pod, write.old as Pod];
    if (!spec?.nodeName || equalJson(spec, old.spec)) return;
    const shown = JSON.stringify(spec.nodeName);
    const node = cache.kind(nodes).get(spec.nodeName)?.object;
    if (!node) throw refusal(write, `node ${shown} not found`);
    const os = node.metadata?.labels?.[osLabel] ?? 'linux';
    if (os !== 'linux') {
      const why = `pod resize is only supported on linux nodes, node ${shown} is ${JSON.stringify(os)}`;
      throw withCause(write, why, 'UnsupportedPlatform');
    }
    const excess = beyondAllocatable(spec, node);
    if (excess.length > 0) {
      const why = `node didn't have enough allocatable resources: ${excess.join('; ')}`;
      throw withCause(write, why, 'NodeCapacity');
    }
  },
});

/** `cpu, requested: MILLICORES, allocatable: MILLICORES` and the same for memory in bytes; empty when the node is large enough. */
function beyondAllocatable(spec: NonNullable<Pod['spec']>, { status }: Node): string[] {
  const requests = requestsOf(spec);
  const units = [
    ['cpu', 1_000_000n],
    ['memory', 1_000_000_000n],
  ] as const;
  return units.flatMap(([name, unit]) => {
    const overhead = spec.overhead?.[name];
    const own = requests[name] ?? none;
    const requested = overhead === undefined ? own : addQuantities(own, parseQuantity(overhead));
    const allocatable = parseQuantity(status?.allocatable?.[name] ?? '0');
    if (compareQuantities(requested, allocatable) <= 0) return [];
    const inUnits = ({ nano }: Quantity) => (nano + unit - 1n) / unit;
    return [`${name}, requested: ${inUnits(requested)}, allocatable: ${inUnits(allocatable)}`];
  });
}

/** Autoscalers tell by the cause why a resize was refused. It has no message and no field, as upstream. */
function withCause(write: Write, why: string, reason: string): AppError {
  const { code, message, details } = refusal(write, why);
  return new AppError(code, message, { details: { ...details, causes: [{ reason }] } });
}
