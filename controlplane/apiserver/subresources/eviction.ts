// pods/eviction: a deletion that a PodDisruptionBudget may refuse.
import {
  isReady,
  isTerminal,
  type Pod,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  pods,
  withCondition,
} from '../../api/index';
import { matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import type { KubeObject } from '../../api/types';
import { evictions } from '../../api/virtual';
import { formatTime } from '../../base/clock';
import { AppError, BadRequest, isConflict } from '../../base/errors';
import { jsonReply } from '../request';
import { type RestDeps, type RestRequest, readObject } from '../rest/context';
import { remove } from '../rest/delete';
import { type DeleteOptions, parseDeleteOptions } from '../rest/delete-options';
import { writeOptions } from '../rest/write-options';
import type { SubresourceHandler } from '../servers/kind-server';
import { forbidden, notFound, StatusError } from '../status';
import type { Write } from '../write/rule';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
const violated = "Cannot evict pod as it would violate the pod's disruption budget.";
/** How long a client should wait until the controller has counted again. */
const recountSeconds = 10;
/** Allowed evictions that the controller has not confirmed; if there are more, it does not run. */
const maxUnconfirmed = 2000;

export function evictionHandler(deps: RestDeps): SubresourceHandler {
  return async (rest) => {
    const body = await readEviction(rest);
    const { dryRun } = evictionOptions(rest, body);
    const { namespace, name } = rest.route;
    const key = `${namespace}/${name}`;
    const pod = deps.cache.kind(pods).get(key)?.object;
    if (!pod) throw notFound(pods, name);
    // The rules run before the budget and the pod are written, not only before the deletion.
    const write: Write = {
      operation: 'create',
      kind: pods,
      namespace,
      name,
      subresource: 'eviction',
      object: body,
      user: rest.request.user,
      rest,
      dryRun,
      warnings: rest.warnings,
    };
    const mutated = deps.rules.mutate(write);
    if (mutated) await mutated;
    const validated = deps.rules.validate(write);
    if (validated) await validated;
    // Read the options now: a rule may have changed them.
    const options = evictionOptions(rest, body);
    if (!needsNoBudget(pod)) {
      const budget = await budgetOf(deps, namespace, pod);
      if (budget && !isUnreadyExempt(pod, budget)) await reserveDisruption(deps, budget, name, options.dryRun);
      if (!options.dryRun) await markDisruptionTarget(deps, key);
    }
    await remove(deps, rest, pods, key, name, options);
    return jsonReply(success, 201);
  };
}

/** @throws BadRequest */
async function readEviction(rest: RestRequest): Promise<EvictionBody> {
  const { namespace, name } = rest.route;
  const body = (await readObject(rest, evictions)) as EvictionBody;
  const named = body.metadata?.name;
  if (named !== undefined && named !== name) {
    throw new BadRequest('name in URL does not match name in Eviction object');
  }
  body.metadata = { ...body.metadata, namespace, name };
  return body;
}

function evictionOptions(rest: RestRequest, { deleteOptions = {} }: EvictionBody): DeleteOptions {
  const options = parseDeleteOptions(rest, deleteOptions);
  return { ...options, dryRun: options.dryRun || writeOptions(rest).dryRun };
}

interface EvictionBody extends KubeObject {
  readonly deleteOptions?: unknown;
}

/** True for a pod that does not serve yet or is ending already: no budget counts it. */
function needsNoBudget({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined || status?.phase === 'Pending' || isTerminal({ status });
}

/** @throws StatusError 500 for several budgets: their counts cannot change in one write */
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

/** True for a pod that is not ready, when the budget allows that or enough other pods are healthy (KEP-3017). */
function isUnreadyExempt(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Takes one disruption from the budget, and lists the pod there until the controller has counted again. @throws AppError TooManyRequests */
async function reserveDisruption(
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
  if (Object.keys(disruptedPods).length > maxUnconfirmed) {
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

/** Sets the condition that says why the pod is deleted (KEP-3329). */
async function markDisruptionTarget(deps: RestDeps, key: string): Promise<void> {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  try {
    await deps.cache.kind(pods).modify(key, ({ object }) => {
      const conditions = [...withCondition(object.status?.conditions, condition, deps.clock.now())];
      return { ...object, status: { ...object.status, conditions } };
    });
  } catch (err) {
    // The kubelet writes too. The deletion matters; the condition may be missing.
    if (!isConflict(err)) throw err;
  }
}
