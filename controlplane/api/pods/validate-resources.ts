// Field rules of resource requests and limits.
import type { FieldCause } from '../../base/errors';
import { compareQuantities, formatQuantity, parseQuantity } from '../quantity';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { qualifiedName } from '../validation/names';
import { hugePages, isExtended, isHugePages, isNative } from './resource-names';
import type { PodSpec, ResourceRequirements } from './types';
import { noClaims, validateClaimUse } from './validate-claims';
import { validateShares } from './validate-pod-resources';

const ofContainers = new Set(['cpu', 'memory', 'ephemeral-storage']);
/** Names without a domain that have a meaning in the API, though not all of them in containers. */
const standard = new Set([
  ...ofContainers,
  ...['storage', 'pods', 'services', 'secrets', 'configmaps', 'persistentvolumeclaims', 'resourcequotas'],
  ...['replicationcontrollers', 'services.nodeports', 'services.loadbalancers'],
  ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
]);
const nanoPerUnit = 1_000_000_000n;

/** Devices and huge pages are not shared, so their request must equal the limit. */
const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);

type CheckName = (name: string, field: string) => FieldCause[];

export function validateResources(
  resources: ResourceRequirements | undefined,
  field: string,
  claims: ReadonlySet<string>,
): FieldCause[] {
  return [
    ...validateRequirements(resources, field, validateContainerResourceName),
    ...validateClaimUse(resources?.claims ?? [], claims, `${field}.claims`),
  ];
}

/** The resources of the pod itself. */
export function validatePodResources(spec: PodSpec, field: string): FieldCause[] {
  const { resources, os } = spec;
  if (!resources) return [];
  if (os?.name === 'windows') return [forbidden(field, 'may not be set for a windows pod')];
  return [
    ...(resources.claims ? [noClaims(`${field}.claims`)] : []),
    ...validateRequirements(resources, field, podResourceName),
    ...validateShares(spec, field),
  ];
}

function validateRequirements(resources: ResourceRequirements = {}, field: string, check: CheckName): FieldCause[] {
  const { limits = {}, requests = {} } = resources;
  const causes: FieldCause[] = [];
  for (const [key, amounts] of Object.entries({ limits, requests })) {
    for (const [name, amount] of Object.entries(amounts)) {
      causes.push(
        ...check(name, `${field}.${key}[${name}]`),
        ...validateAmount(name, amount, `${field}.${key}[${name}]`),
      );
    }
  }
  for (const [name, amount] of Object.entries(requests))
    causes.push(...againstLimit(name, amount, limits[name], field));
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some((name) => name === 'cpu' || name === 'memory')) {
    causes.push(forbidden(field, 'HugePages require cpu or memory'));
  }
  return causes;
}

function againstLimit(name: string, amount: string, limit: string | undefined, field: string): FieldCause[] {
  const fixed = !mayOvercommit(name);
  if (limit === undefined) {
    return fixed ? [required(`${field}.limits`, 'Limit must be set for non overcommitable resources')] : [];
  }
  const order = compareQuantities(parseQuantity(amount), parseQuantity(limit));
  if (fixed && order !== 0) {
    return [invalid(`${field}.requests`, amount, `must be equal to ${name} limit of ${limit}`)];
  }
  return order > 0
    ? [invalid(`${field}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`)]
    : [];
}

function resourceName(name: string, field: string): FieldCause[] {
  const causes = invalidEach(field, name, qualifiedName(name));
  if (causes.length > 0 || name.includes('/') || standard.has(name) || isHugePages(name)) return causes;
  return [invalid(field, name, 'must be a standard resource type or fully qualified')];
}

export const validateContainerResourceName: CheckName = (name, field) => {
  const causes = resourceName(name, field);
  if (!name.includes('/')) {
    const known = ofContainers.has(name) || isHugePages(name);
    return known ? causes : [...causes, invalid(field, name, 'must be a standard resource for containers')];
  }
  const wellNamed = isNative(name) || isExtended(name);
  return wellNamed ? causes : [...causes, invalid(field, name, "doesn't follow extended resource name standard")];
};

const podResources = ['cpu', 'memory'];

const podResourceName: CheckName = (name, field) => {
  const causes = resourceName(name, field);
  if (causes.length > 0 || podResources.includes(name) || isHugePages(name)) return causes;
  return [notSupported(field, name, ['cpu', 'hugepages-', 'memory'])];
};

function validateAmount(name: string, amount: string, field: string): FieldCause[] {
  const quantity = parseQuantity(amount);
  const causes: FieldCause[] = [];
  if (quantity.nano < 0n) causes.push(invalid(field, amount, 'must be greater than or equal to 0'));
  if (isExtended(name) && quantity.nano % nanoPerUnit !== 0n) causes.push(invalid(field, amount, 'must be an integer'));
  if (isHugePages(name) && !isWholePages(name, quantity.nano)) {
    const shown = formatQuantity(quantity);
    causes.push(invalid(field, shown, `${shown} is not positive integer multiple of ${name}`));
  }
  return causes;
}

/** hugepages-2Mi: an amount must be a multiple of two mebibytes. */
function isWholePages(name: string, nano: bigint): boolean {
  try {
    const size = parseQuantity(name.slice(hugePages.length)).nano;
    return size > 0n && size % nanoPerUnit === 0n && nano % size === 0n;
  } catch {
    return false;
  }
}
