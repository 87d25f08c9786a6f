// Which nodes a pod may run on: the checks of all plug-ins, in their order, up to the first refusal. Pure.
import type { NodeInfo } from './node-info';
import type { NodeCheck, NodeRefusal, SchedulerPlugin, SchedulingCycle } from './plugins/plugin';

export interface Refusal extends NodeRefusal {
  /** The name of the plug-in that refused. */
  readonly plugin: string;
}

export type NodeChecks = readonly { readonly plugin: string; readonly check: NodeCheck }[];

/** The checks that some node may fail; what they need to know of the cluster is gathered here, once for the pod. */
export function gatherChecks(plugins: readonly SchedulerPlugin[], cycle: SchedulingCycle): NodeChecks {
  const checks: { plugin: string; check: NodeCheck }[] = [];
  for (const plugin of plugins) {
    const check = plugin.filter?.(cycle);
    if (check) checks.push({ plugin: plugin.name, check });
  }
  return checks;
}

export function filterNode(checks: NodeChecks, node: NodeInfo): Refusal | undefined {
  for (const { plugin, check } of checks) {
    const refusal = check(node);
    if (refusal) return { plugin, ...refusal };
  }
  return undefined;
}
