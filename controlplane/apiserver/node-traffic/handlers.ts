// GET and LIST of nodetraffics: the nodes of the cache that the request selects, and what their kubelets say.
import { isConditionTrue } from '../../api/conditions';
import { type Node, nodes } from '../../api/node';
import { nodeTraffics } from '../../api/node-traffic';
import { eventLoop } from '../../base/event-loop';
import type { CachedObject } from '../cache/cache';
import type { Reply } from '../request';
import { selected } from '../rest/computed';
import type { RestDeps, RestRequest } from '../rest/context';
import { negotiateFor } from '../rest/negotiate';
import { renderList, renderObject } from '../rest/read';
import type { SubresourceHandler } from '../servers/kind-server';
import { notFound } from '../status';
import type { KubeletTraffic, TrafficAnswer } from './kubelet-traffic';
import { SharedAnswers } from './shared-answers';

interface NodeTrafficDeps {
  readonly rest: RestDeps;
  readonly traffic: KubeletTraffic;
}

interface Shared extends NodeTrafficDeps {
  readonly shared: SharedAnswers;
}

/** By plural.group, for the kinds that are computed. */
export const nodeTrafficHandlers = (deps: NodeTrafficDeps): readonly (readonly [string, SubresourceHandler])[] => {
  const all = { ...deps, shared: new SharedAnswers(deps.rest.clock) };
  return [[`${nodeTraffics.plural}.${nodeTraffics.group}`, (rest) => answer(all, rest)]];
};

async function answer({ rest: deps, traffic, shared }: Shared, rest: RestRequest): Promise<Reply> {
  const { cache } = deps;
  const { name } = rest.route;
  const itemOf = (node: Node, answers: ReadonlyMap<string, TrafficAnswer>) =>
    shared.item(node, answers.get(nameOf(node)) ?? notAsked(node));
  if (name !== '') {
    const node = cache.kind(nodes).get(name)?.object as Node | undefined;
    if (!node) throw notFound(nodeTraffics, name);
    const answers = await answersOf(traffic, [node]);
    await inTurn();
    return renderObject(deps, rest, itemOf(node, answers), 200);
  }
  const chosen = await selected<Node>(cache, nodes, rest);
  const answers = await answersOf(traffic, chosen);
  const items: CachedObject[] = [];
  for (const node of chosen) {
    items.push(itemOf(node, answers));
    const pause = eventLoop.pause();
    if (pause) await pause;
  }
  await inTurn();
  const render = () => renderList(deps, rest, items, {});
  // A table has ages, and a client in this process takes the objects.
  const isShared = negotiateFor(rest).rendering.as === 'object' && !rest.request.decoded;
  return isShared ? shared.list(items, render) : render();
}

const maxPauses = 20;

/**
 * All who wait for an answer go on in the same turn, and to encrypt the bytes for each takes time as well: who comes when the turn is long
 * waits for a later one. Not for ever: in a busy server all turns are long.
 */
async function inTurn(): Promise<void> {
  for (let i = 0; i < maxPauses; i++) {
    const pause = eventLoop.pause();
    if (!pause) return;
    await pause;
  }
}

const nameOf = ({ metadata }: Node): string => metadata?.name ?? '';

/** A node that is not ready would only let the reader wait. */
const answersOf = (traffic: KubeletTraffic, chosen: readonly Node[]): Promise<ReadonlyMap<string, TrafficAnswer>> =>
  traffic.of(chosen.filter((node) => isConditionTrue(node, 'Ready')).map(nameOf));

const notAsked = (node: Node): TrafficAnswer => ({
  error: `node ${nameOf(node)} is not ready: its kubelet was not asked`,
});
