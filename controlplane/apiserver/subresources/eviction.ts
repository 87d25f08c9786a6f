// pods/eviction: a deletion that a PodDisruptionBudget may refuse.
import { type Pod, type PodDisruptionBudget, podDisruptionBudgets, pods } from '../../api/index';
import type { Kind } from '../../api/kind';
import { matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import type { KubeObject } from '../../api/types';
import { evictions } from '../../api/virtual';
import { formatTime } from '../../base/clock';
import { AppError, BadRequest, isConflict } from '../../base/errors';
import type { SubresourceHandler } from '../handler';
import { jsonReply } from '../request';
import { type RestDeps, type RestRequest, readObject } from '../rest/context';
import { remove } from '../rest/delete';
import { type DeleteOptions, parseDeleteOptions } from '../rest/delete-options';
import { writeOptions } from '../rest/write-options';
import { forbidden, notFound, StatusError } from '../status';
import type { Write } from '../write/rule';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
const violated = "Cannot evict pod as it would violate the pod's disruption budget.";
/** What a client should wait for the controller to count anew. */
const recountSeconds = 10;
/** Evictions let through that the controller has not seen to the end; more mean that it does not run. */
const maxAnnounced = 2000;

export function evictionHandler(deps: RestDeps): SubresourceHandler {
  return async (rest) => {
    const options = await readOptions(rest);
    const { namespace, name } = rest.route;
    const key = `${namespace}/${name}`;
    const pod = deps.cache.kind(pods).get(key)?.object;
    if (!pod) throw notFound(pods, name);
    // Before the budget and the pod are written to, not only before the deletion.
    const write: Write = {
      operation: 'create',
      kind: pods as unknown as Kind,
      namespace,
      name,
      subresource: 'eviction',
      object: { kind: 'Eviction', apiVersion: 'policy/v1', metadata: { namespace, name } },
      user: rest.request.user,
      dryRun: options.dryRun,
      warnings: rest.warnings,
    };
    const mutated = deps.rules.mutate(write);
    if (mutated) await mutated;
    const validated = deps.rules.validate(write);
    if (validated) await validated;
    if (!goesAnyway(pod)) {
      const budget = await budgetOf(deps, namespace, pod);
      if (budget && !sparesUnready(pod, budget)) await announce(deps, budget, name, options.dryRun);
      if (!options.dryRun) await tell(deps, key);
    }
    await remove(deps, rest, pods as unknown as Kind, key, name, options);
    return jsonReply(success, 201);
  };
}

async function readOptions(rest: RestRequest): Promise<DeleteOptions> {
  const body = (await readObject(rest, evictions)) as EvictionBody;
  const { name } = body.metadata ?? {};
  if (name !== undefined && name !== rest.route.name) {
    throw new BadRequest('name in URL does not match name in Eviction object');
  }
  const options = parseDeleteOptions(rest, body.deleteOptions ?? {});
  return { ...options, dryRun: options.dryRun || writeOptions(rest).dryRun };
}

interface EvictionBody extends KubeObject {
  readonly deleteOptions?: unknown;
}

/** Pods that serve nobody, or will not much longer, are no loss to a budget. */
function goesAnyway({ metadata, status }: Pod): boolean {
  const { phase } = status ?? {};
  return (
    metadata?.deletionTimestamp !== undefined || phase === 'Pending' || phase === 'Succeeded' || phase === 'Failed'
  );
}

/** @throws StatusError 500 for several, whose counts cannot be changed together */
async function budgetOf(deps: RestDeps, namespace: string, pod: Pod): Promise<PodDisruptionBudget | undefined> {
  const { items } = await deps.cache.kind(podDisruptionBudgets).list({ namespace });
  const matching = items.filter(({ object }) => {
    const selector = selectorFromLabelSelector(object.spec?.selector);
    return selector !== undefined && matchesSelector(selector, pod.metadata?.labels);
  });
  if (matching.length <= 1) return matching[0]?.object;
  const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
  throw new StatusError(500, '', message);
}

/** A pod that is not ready may go where the budget says so, or while enough others are (KEP-3017). */
function sparesUnready(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (ready) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Takes the pod off the budget, and notes it there until the controller counts anew. @throws AppError TooManyRequests */
async function announce(
  deps: RestDeps,
  { metadata }: PodDisruptionBudget,
  podName: string,
  dryRun: boolean,
): Promise<void> {
  const key = `${metadata?.namespace}/${metadata?.name}`;
  await deps.cache.kind(podDisruptionBudgets).modify(key, ({ object }) => {
    checkBudget(object);
    if (dryRun) return undefined;
    const status = { ...object.status! };
    status.disruptionsAllowed = (status.disruptionsAllowed ?? 0) - 1;
    status.disruptedPods = { ...status.disruptedPods, [podName]: formatTime(deps.clock.now()) };
    return { ...object, status };
  });
}

/** @throws AppError TooManyRequests, Forbidden */
function checkBudget({ metadata, status }: PodDisruptionBudget): void {
  const { name = '', generation = 0 } = metadata ?? {};
  const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0, disruptedPods = {} } = status ?? {};
  if ((status?.observedGeneration ?? 0) < generation) {
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, recountSeconds);
  }
  if (disruptionsAllowed < 0) throw forbidden(podDisruptionBudgets, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > maxAnnounced) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw forbidden(podDisruptionBudgets, name, why);
  }
  if (disruptionsAllowed > 0) return;
  throw refusal(
    `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    0,
  );
}

function refusal(cause: string, retryAfterSeconds: number): AppError {
  const causes = [{ reason: 'DisruptionBudget', message: cause }];
  const details = { causes, ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) };
  return new AppError('TooManyRequests', violated, { details });
}

/** Says on the pod why it goes (KEP-3329). */
async function tell(deps: RestDeps, key: string): Promise<void> {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: formatTime(deps.clock.now()),
  };
  try {
    await deps.cache.kind(pods).modify(key, ({ object }) => {
      const others = (object.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
      return { ...object, status: { ...object.status, conditions: [...others, condition] } };
    });
  } catch (err) {
    // The kubelet writes too: the deletion matters, the word about it may be lost.
    if (!isConflict(err)) throw err;
  }
}
