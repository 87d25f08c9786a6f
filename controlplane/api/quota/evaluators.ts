// What the objects of each kind use of a quota. Pods, Services, PersistentVolumeClaims and ResourceClaims have resources of their own; of
// every other kind a quota counts the objects.
import { events } from '../event';
import type { Kind } from '../kind';
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../persistent-volume-claim';
import { type Pod, pods } from '../pod';
import { compareQuantities, parseQuantity, type Quantity } from '../quantity';
import { type ResourceClaim, resourceClaims } from '../resource-claim';
import { type Service, services } from '../service';
import type { KubeObject } from '../types';
import { classOf } from '../volumes/class-name';
import { type Amounts, count, excess, sum, wholeUnits } from './amounts';
import { isPodResource, missingAmounts, podUsage } from './pod-usage';
import { claimMeets, podMeets, type ScopeRequirement } from './scopes';

export interface Evaluator<T extends KubeObject = KubeObject> {
  /** True for a resource of which objects of the kind use something. */
  counts(resource: string): boolean;
  /** `now` in milliseconds since the epoch. */
  usage(object: T, now: number): Amounts;
  /** True for a write that may use more. */
  concerns(operation: string, subresource: string): boolean;
  /** Undefined: the objects are in no scope, so a quota with scopes does not count them. */
  meets?(object: T, scope: ScopeRequirement): boolean;
  /** What the object must say because the quota limits `required`; undefined when it says all. */
  missing?(object: T, required: readonly string[]): string | undefined;
}

const creation = (operation: string, subresource: string): boolean => operation === 'create' && subresource === '';
const anyWrite = (operation: string, subresource: string): boolean =>
  creation(operation, subresource) || operation === 'update';

const podEvaluator: Evaluator<Pod> = {
  counts: isPodResource,
  usage: podUsage,
  concerns: (operation, subresource) =>
    creation(operation, subresource) || (operation === 'update' && subresource === 'resize'),
  meets: podMeets,
  missing: missingAmounts,
};

const serviceResources = new Set(['count/services', 'services', 'services.nodeports', 'services.loadbalancers']);
const serviceEvaluator: Evaluator<Service> = {
  counts: (resource) => serviceResources.has(resource),
  concerns: anyWrite,
  usage({ spec }) {
    const isBalanced = spec?.type === 'LoadBalancer';
    return {
      'count/services': count(1),
      services: count(1),
      'services.loadbalancers': count(isBalanced ? 1 : 0),
      // By the type, since the ports get their numbers later.
      'services.nodeports': count(isBalanced || spec?.type === 'NodePort' ? nodePortsOf(spec) : 0),
    };
  },
};

function nodePortsOf(spec: NonNullable<Service['spec']>): number {
  const ports = spec.ports ?? [];
  if (spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false) return ports.length;
  return ports.filter(({ nodePort }) => nodePort).length;
}

const classSuffix = '.storageclass.storage.k8s.io/';
const claimResources = new Set(['count/persistentvolumeclaims', 'persistentvolumeclaims', 'requests.storage']);
const claimEvaluator: Evaluator<PersistentVolumeClaim> = {
  counts: (resource) =>
    claimResources.has(resource) ||
    resource.endsWith(`${classSuffix}persistentvolumeclaims`) ||
    resource.endsWith(`${classSuffix}requests.storage`),
  // A status may report a larger allocation, or another class.
  concerns: anyWrite,
  meets: claimMeets,
  usage(claim) {
    const storage = storageOf(claim);
    const className = classOf(claim);
    const usage: Record<string, Quantity> = {
      'count/persistentvolumeclaims': count(1),
      persistentvolumeclaims: count(1),
      ...(storage ? { 'requests.storage': storage } : {}),
    };
    if (!className) return usage;
    usage[`${className}${classSuffix}persistentvolumeclaims`] = count(1);
    if (storage) usage[`${className}${classSuffix}requests.storage`] = storage;
    return usage;
  },
};

/** While a volume grows, or cannot, the larger of what is asked for and what the driver has allocated: in whole bytes. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const [asked, allocated] = [spec?.resources?.requests?.['storage'], status?.allocatedResources?.['storage']].map(
    (text) => (text === undefined ? undefined : wholeUnits(parseQuantity(text))),
  );
  if (!asked || !allocated) return asked;
  return compareQuantities(allocated, asked) > 0 ? allocated : asked;
}

const devicesOf = (deviceClass: string): string => `${deviceClass}.deviceclass.resource.k8s.io/devices`;
const claimCount = 'count/resourceclaims.resource.k8s.io';
/** A request for all devices of a class gets at most so many: a claim has no room for more results. */
const mostDevices = 32;
/** Without the extended resources that stand for a class: those of pods are charged with the pods. */
const deviceClaimEvaluator: Evaluator<ResourceClaim> = {
  counts: (resource) => resource === claimCount || resource.endsWith(devicesOf('')),
  // A claim never asks for other devices than at first.
  concerns: creation,
  usage({ spec }) {
    const devices = (spec?.devices?.requests ?? []).map(({ exactly, firstAvailable }) =>
      exactly ? asked(exactly) : (firstAvailable ?? []).map(asked).reduce(most, {}),
    );
    return { ...devices.reduce(sum, {}), [claimCount]: count(1) };
  },
};

type DeviceRequest = { readonly deviceClassName: string; readonly allocationMode?: string; readonly count?: number };
const asked = ({ deviceClassName, allocationMode, count: exact }: DeviceRequest): Amounts => ({
  [devicesOf(deviceClassName)]: count(allocationMode === 'All' ? mostDevices : (exact ?? 1)),
});
/** Only one of the alternatives will be chosen, so each class is charged for the one that needs most of it. */
const most = (a: Amounts, b: Amounts): Amounts => sum(a, excess(b, a));

/** Kinds of the core group that quotas counted by their plural before `count/` existed. */
const oldNames = new Set(['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets']);

function objectCounter({ group, plural }: Pick<Kind, 'group' | 'plural'>): Evaluator {
  const name = group === '' ? `count/${plural}` : `count/${plural}.${group}`;
  const alias = group === '' && oldNames.has(plural) ? plural : undefined;
  const usage = { [name]: count(1), ...(alias ? { [alias]: count(1) } : {}) };
  return { counts: (resource) => resource === name || resource === alias, usage: () => usage, concerns: creation };
}

const own: ReadonlyMap<Kind, Evaluator> = new Map<Kind, Evaluator>([
  [pods, podEvaluator],
  [services, serviceEvaluator],
  [persistentVolumeClaims, claimEvaluator],
  [resourceClaims, deviceClaimEvaluator],
]);
const counters = new WeakMap<Kind, Evaluator>();

/** Undefined for kinds that no quota counts: those of the cluster, and Events, as upstream. */
export function evaluatorOf(kind: Kind): Evaluator | undefined {
  if (!kind.namespaced || kind.prefix === events.prefix) return undefined;
  let found = own.get(kind) ?? counters.get(kind);
  if (!found) {
    found = objectCounter(kind);
    counters.set(kind, found);
  }
  return found;
}
