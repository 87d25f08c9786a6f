// LimitRanger: containers get the default requests and limits of their namespace; containers, pods and claims must stay within its bounds.
import {
  type LimitRange,
  limitRanges,
  limitsOf,
  objectKey,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  requestsOf,
} from '../../api/index';
import type { LimitRangeItem } from '../../api/limit-range';
import { compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../../api/quantity';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { type OpenRule, refusal, type Write } from '../write/rule';
import { createsPod, resizesPod } from './pod-creation';

type Spec = NonNullable<Pod['spec']>;
type Container = Spec['containers'][number];
type Amounts = Record<string, string>;

/** Shows readers of a pod which values the author did not set. */
const annotation = 'kubernetes.io/limit-ranger';
const shownDigits = 6;

/** By namespace, then by key. */
type Ranges = ReadonlyMap<string, ReadonlyMap<string, LimitRange>>;

/** Requests and limits of a pod change only through its resize; a claim may grow. */
export const limitRanger: OpenRule = async ({ cache, signal }) => {
  const ranges = await followRanges(cache, signal);
  const localTo = ({ namespace, old }: Write): readonly LimitRange[] =>
    // What is being deleted can still lose its finalizers.
    old?.metadata?.deletionTimestamp ? [] : [...(ranges.get(namespace)?.values() ?? [])];
  return {
    name: 'LimitRanger',
    concerns: (write) => createsPod(write) || resizesPod(write) || writesClaim(write),
    mutate(write) {
      const pod = write.object as Pod;
      if (writesClaim(write) || !pod.spec) return;
      const items = localTo(write).flatMap(itemsOf);
      const set = items.flatMap((item) => (item.type === 'Container' ? fillContainers(pod.spec!, item) : []));
      if (set.length === 0) return;
      const annotations = { ...pod.metadata?.annotations, [annotation]: `LimitRanger plugin set: ${set.join('; ')}` };
      pod.metadata = { ...pod.metadata, annotations };
    },
    validate(write) {
      const { object } = write;
      for (const range of localTo(write)) {
        const problems = itemsOf(range).flatMap((item) =>
          writesClaim(write)
            ? claimProblems(object as PersistentVolumeClaim, item)
            : podProblems((object as Pod).spec ?? { containers: [] }, item),
        );
        refuse(write, problems);
      }
    },
  };
};

const itemsOf = ({ spec }: LimitRange): readonly LimitRangeItem[] => spec?.limits ?? [];

const writesClaim = ({ operation, kind, subresource }: Write): boolean =>
  (operation === 'create' || operation === 'update') &&
  kind.prefix === persistentVolumeClaims.prefix &&
  subresource === '';

/** @throws Forbidden when there is a problem */
function refuse(write: Write, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw refusal(write, problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`);
}

async function followRanges(cache: Cache, signal: AbortSignal): Promise<Ranges> {
  const ranges = new Map<string, Map<string, LimitRange>>();
  const change = (previous: LimitRange | undefined, current: LimitRange | undefined) => {
    const object = (current ?? previous)!;
    const namespace = object.metadata?.namespace ?? '';
    const local = ranges.get(namespace) ?? new Map<string, LimitRange>();
    if (current) local.set(objectKey(object), current);
    else local.delete(objectKey(object));
    if (local.size > 0) ranges.set(namespace, local);
    else ranges.delete(namespace);
  };
  await followKind(cache, limitRanges, change, signal);
  return ranges;
}

/** Sets the missing requests and limits of containers; returns the values it set. */
function fillContainers(spec: Spec, item: LimitRangeItem): string[] {
  const fill = (list: readonly Container[] | undefined, word: string): string[] =>
    (list ?? []).flatMap((container) => {
      const resources = container.resources ?? {};
      container.resources = resources;
      const requests = missing(resources.requests, item.defaultRequest);
      const limits = missing(resources.limits, item.default);
      if (requests.length > 0) resources.requests = { ...item.defaultRequest, ...resources.requests };
      if (limits.length > 0) resources.limits = { ...item.default, ...resources.limits };
      return [
        ...(requests.length > 0 ? [`${requests.join(', ')} request for ${word} ${container.name}`] : []),
        ...(limits.length > 0 ? [`${limits.join(', ')} limit for ${word} ${container.name}`] : []),
      ];
    });
  return [...fill(spec.containers, 'container'), ...fill(spec.initContainers, 'init container')];
}

const missing = (own: Amounts | undefined, defaults: Amounts | undefined): string[] =>
  Object.keys(defaults ?? {})
    .filter((resource) => own?.[resource] === undefined)
    .sort();

function podProblems(spec: Spec, item: LimitRangeItem): string[] {
  if (item.type === 'Pod') return problemsOf(item, textsOf(requestsOf(spec)), textsOf(limitsOf(spec)));
  if (item.type !== 'Container') return [];
  // In the order of upstream's messages: app containers first.
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
    problemsOf(item, resources?.requests ?? {}, resources?.limits ?? {}),
  );
}

/** A claim has no limits: the bounds are those of its request. */
function claimProblems({ spec }: PersistentVolumeClaim, { type, min = {}, max = {} }: LimitRangeItem): string[] {
  if (type !== 'PersistentVolumeClaim') return [];
  const requests = spec?.resources?.requests ?? {};
  return [
    ...Object.entries(min).flatMap(([name, bound]) => belowMinimum(type, name, bound, requests[name]) ?? []),
    ...Object.entries(max).flatMap(([name, bound]) => aboveRequest(type, name, bound, requests[name]) ?? []),
  ];
}

function aboveRequest(type: string, resource: string, bound: string, request?: string): string | undefined {
  const rule = `maximum ${resource} usage per ${type} is ${bound}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  return isAbove(request, bound) ? `${rule}, but request is ${request}` : undefined;
}

const textsOf = (totals: Readonly<Record<string, Quantity>>): Amounts =>
  Object.fromEntries(Object.entries(totals).map(([resource, total]) => [resource, formatQuantity(total)]));

const isAbove = (a: string, b: string): boolean => compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;

function problemsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  const of = (list: Amounts | undefined, check: (resource: string, bound: string) => string | undefined) =>
    Object.entries(list ?? {}).flatMap(([resource, bound]) => check(resource, bound) ?? []);
  return [
    ...of(item.min, (resource, bound) =>
      belowMinimum(item.type, resource, bound, requests[resource], limits[resource]),
    ),
    ...of(item.max, (resource, bound) =>
      aboveMaximum(item.type, resource, bound, requests[resource], limits[resource]),
    ),
    ...of(item.maxLimitRequestRatio, (resource, bound) =>
      aboveRatio(item.type, resource, bound, requests[resource], limits[resource]),
    ),
  ];
}

function belowMinimum(type: string, resource: string, bound: string, request?: string, limit?: string) {
  const rule = `minimum ${resource} usage per ${type} is ${bound}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  if (isAbove(bound, request)) return `${rule}, but request is ${request}`;
  return limit !== undefined && isAbove(bound, limit) ? `${rule}, but limit is ${limit}` : undefined;
}

function aboveMaximum(type: string, resource: string, bound: string, request?: string, limit?: string) {
  const rule = `maximum ${resource} usage per ${type} is ${bound}`;
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (isAbove(limit, bound)) return `${rule}, but limit is ${limit}`;
  return request !== undefined && isAbove(request, bound) ? `${rule}, but request is ${request}` : undefined;
}

function aboveRatio(type: string, resource: string, bound: string, request?: string, limit?: string) {
  const rule = `${resource} max limit to request ratio per ${type} is ${bound}`;
  const [low, high] = [request, limit].map((value) => (value === undefined ? 0n : parseQuantity(value).nano));
  if (!low) return `${rule}, but no request is specified or request is 0`;
  if (!high) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = Number(high) / Number(low);
  const allowed = Number(parseQuantity(bound).nano) / 1e9;
  return ratio > allowed ? `${rule}, but provided ratio is ${ratio.toFixed(shownDigits)}` : undefined;
}
