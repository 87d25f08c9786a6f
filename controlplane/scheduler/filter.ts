// Which nodes a pod may run on: the checks of all plug-ins, in their order, up to the first refusal. Pure.
import { isSteps, type Steps } from '../base/steps';
import type { NodeInfo } from './node-info';
import type { Filtered, NodeCheck, NodeRefusal, PodVerdict, SchedulerPlugin, SchedulingCycle } from './plugins/plugin';

export interface Refusal extends NodeRefusal {
  /** The name of the plug-in that refused. */
  readonly plugin: string;
}

/** What the plug-ins know before the nodes are checked one by one. */
export interface NodeChecks {
  /** The refusal that holds for every node; no node need be checked then. */
  readonly refusal?: Refusal;
  /** The checks that some node may fail, in the order of the plug-ins. */
  readonly checks: readonly { readonly plugin: string; readonly check: NodeCheck }[];
  /** Only these nodes can have the pod; the others are refused with `elsewhere`. */
  readonly only?: ReadonlySet<string>;
  readonly elsewhere?: Refusal;
}

/** What the checks need to know of the cluster is gathered here, once for the pod. */
export function* gatherChecks(plugins: readonly SchedulerPlugin[], cycle: SchedulingCycle): Steps<NodeChecks> {
  const checks: { plugin: string; check: NodeCheck }[] = [];
  let refusal: Refusal | undefined;
  let only: ReadonlySet<string> | undefined;
  const narrowing: string[] = [];
  for (const { name: plugin, filter } of plugins) {
    const filtered = filter?.(cycle);
    const found = isSteps<Filtered>(filtered) ? yield* filtered : filtered;
    if (!found) continue;
    const verdict: PodVerdict = typeof found === 'function' ? { check: found } : found;
    if (verdict.check) checks.push({ plugin, check: verdict.check });
    if (verdict.refusal) {
      refusal = { plugin, ...verdict.refusal };
      // Nothing can lift it, so no further plug-in is asked. Otherwise the last refusal is the one reported, as upstream.
      if (!refusal.resolvable) return { refusal, checks };
    }
    if (!verdict.only) continue;
    narrowing.push(plugin);
    only = only === undefined ? verdict.only : new Set([...only].filter((name) => verdict.only!.has(name)));
    if (only.size === 0) return { refusal: elsewhere(narrowing, 'none'), checks };
  }
  return {
    checks,
    ...(refusal ? { refusal } : {}),
    ...(only ? { only, elsewhere: elsewhere(narrowing, 'some') } : {}),
  };
}

/** The refusal of nodes that the plug-ins together exclude, in upstream's words for: all nodes, or all but some. */
function elsewhere(plugins: readonly string[], left: 'none' | 'some'): Refusal {
  const list = `[${[...plugins].sort().join(' ')}]`;
  const which = left === 'some' ? `plugin(s) ${list}` : `plugin(s) ${list} simultaneously`;
  const words = left === 'none' && plugins.length === 1 ? `plugin [${plugins[0]}]` : which;
  return { plugin: plugins[0]!, reasons: [`node(s) didn't satisfy ${words}`], resolvable: false };
}

export function filterNode({ refusal, checks, only, elsewhere }: NodeChecks, node: NodeInfo): Refusal | undefined {
  if (refusal) return refusal;
  if (only && !only.has(node.name)) return elsewhere;
  for (const { plugin, check } of checks) {
    const refused = check(node);
    if (refused) return { plugin, ...refused };
  }
  return undefined;
}
