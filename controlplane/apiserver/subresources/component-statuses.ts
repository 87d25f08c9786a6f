// Answers componentstatuses: asks the store, and finds scheduler and controllers by their Leases, wherever they run.
import { type ComponentStatus, componentStatuses } from '../../api/component-status';
import { leases } from '../../api/lease';
import type { Reply } from '../request';
import type { RestDeps, RestRequest } from '../rest/context';
import { renderList, renderObject } from '../rest/read';
import { parseSelection } from '../rest/selection';
import type { SubresourceHandler } from '../servers/kind-server';
import { notFound } from '../status';

/** A part of the cluster; `failure` says why it is not healthy. */
export interface Component {
  readonly name: string;
  readonly failure: () => string | undefined;
}

/** By upstream's names of components: the Leases of their leaders. */
const leaseNames: Readonly<Record<string, string>> = {
  scheduler: 'kube-scheduler',
  'controller-manager': 'kube-controller-manager',
};
const defaultLeaseSeconds = 15;

/** @param local components of this process: without an election they have no Lease */
export function openComponents(
  deps: Pick<RestDeps, 'cache' | 'clock'>,
  local: ReadonlySet<string>,
): readonly Component[] {
  const elected = Object.entries(leaseNames).map(([name, lease]) => ({
    name,
    failure: () => leaderFailure(deps, `kube-system/${lease}`, local.has(name)),
  }));
  const store = { name: 'etcd-0', failure: () => (deps.cache.revision() >= 0 ? undefined : 'not loaded') };
  return [...elected, store];
}

function leaderFailure({ cache, clock }: Pick<RestDeps, 'cache' | 'clock'>, key: string, local: boolean) {
  const spec = cache.kind(leases).get(key)?.object.spec;
  if (!spec?.renewTime) return local ? undefined : `the Lease ${key} does not exist`;
  if (!spec.holderIdentity) return `the Lease ${key} has no holder`;
  // Twice the duration: clocks of other machines differ.
  const lasts = 2_000 * (spec.leaseDurationSeconds ?? defaultLeaseSeconds);
  const old = clock.now() - Date.parse(spec.renewTime) > lasts;
  return old ? `the Lease ${key} was last renewed at ${spec.renewTime}` : undefined;
}

export function componentStatusHandler(deps: RestDeps, components: readonly Component[]): SubresourceHandler {
  return async (rest) => (rest.route.verb === 'get' ? read(deps, rest, components) : list(deps, rest, components));
}

function read(deps: RestDeps, rest: RestRequest, components: readonly Component[]): Reply {
  const { name } = rest.route;
  const found = components.find((component) => component.name === name);
  // As upstream, this error alone names the singular.
  if (!found) throw notFound({ ...componentStatuses, plural: componentStatuses.singular }, name);
  return renderObject(deps, rest, computed(found), 200);
}

function list(deps: RestDeps, rest: RestRequest, components: readonly Component[]): Reply | Promise<Reply> {
  const { matches = () => true } = parseSelection(componentStatuses, '', '', rest.query);
  const items = components.map(computed).filter(({ object }) => matches(object));
  return renderList(deps, rest, items, {});
}

function computed({ name, failure }: Component) {
  const error = failure();
  const health =
    error === undefined
      ? { type: 'Healthy', status: 'True', message: 'ok' }
      : { type: 'Healthy', status: 'False', error };
  const { kind, apiVersion } = componentStatuses;
  const object: ComponentStatus = { kind, apiVersion, metadata: { name }, conditions: [health] };
  return { key: name, object, json: Buffer.from(JSON.stringify(object)), revision: 0 };
}
