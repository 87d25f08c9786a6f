// GET and LIST of nodetraffics: the nodes of the cache that the request selects, and what their kubelets say.
import { isConditionTrue } from '../../api/conditions';
import { type Node, nodes } from '../../api/node';
import { type NodeTraffic, nodeTraffics } from '../../api/node-traffic';
import type { Reply } from '../request';
import { computed, selected } from '../rest/computed';
import type { RestDeps, RestRequest } from '../rest/context';
import { renderList, renderObject } from '../rest/read';
import type { SubresourceHandler } from '../servers/kind-server';
import { notFound } from '../status';
import type { KubeletTraffic, TrafficAnswer } from './kubelet-traffic';

interface NodeTrafficDeps {
  readonly rest: RestDeps;
  readonly traffic: KubeletTraffic;
}

/** By plural.group, for the kinds that are computed. */
export const nodeTrafficHandlers = (deps: NodeTrafficDeps): readonly (readonly [string, SubresourceHandler])[] => [
  [`${nodeTraffics.plural}.${nodeTraffics.group}`, (rest) => answer(deps, rest)],
];

async function answer({ rest: deps, traffic }: NodeTrafficDeps, rest: RestRequest): Promise<Reply> {
  const { cache } = deps;
  const { name } = rest.route;
  if (name !== '') {
    const node = cache.kind(nodes).get(name)?.object as Node | undefined;
    if (!node) throw notFound(nodeTraffics, name);
    return renderObject(deps, rest, computed(trafficOf(node, await answersOf(traffic, [node]))), 200);
  }
  const chosen = await selected<Node>(cache, nodes, rest);
  const answers = await answersOf(traffic, chosen);
  return renderList(
    deps,
    rest,
    chosen.map((node) => computed(trafficOf(node, answers))),
    {},
  );
}

const nameOf = ({ metadata }: Node): string => metadata?.name ?? '';

/** A node that is not ready would only let the reader wait. */
const answersOf = (traffic: KubeletTraffic, chosen: readonly Node[]): Promise<ReadonlyMap<string, TrafficAnswer>> =>
  traffic.of(chosen.filter((node) => isConditionTrue(node, 'Ready')).map(nameOf));

function trafficOf(node: Node, answers: ReadonlyMap<string, TrafficAnswer>): NodeTraffic {
  const { kind, apiVersion } = nodeTraffics;
  const { labels } = node.metadata ?? {};
  const name = nameOf(node);
  const said = answers.get(name) ?? { error: `node ${name} is not ready: its kubelet was not asked` };
  return { kind, apiVersion, metadata: { name, ...(labels ? { labels } : {}) }, ...said };
}
