// The rules of one device in a ResourceSlice.
import type { FieldCause } from '../../base/errors';
import { validateNodeSelector } from '../pods/validate-affinity';
import { invalid, required, tooLong } from '../validation/causes';
import { isSame } from '../validation/difference';
import { dns1123Subdomain } from '../validation/names';
import { validateBindingConditions } from './bindings';
import { validateCapacity } from './capacity';
import { validateList, validateMap, validateSet } from './lists';
import { longestQualifiedName, validateAttributeName, validateLabelName } from './names';
import { validateTaint } from './tolerations';
import type { Attribute, Device } from './types';

const mostAttributesAndCapacities = 32;
const mostTaints = 16;
const mostConsumptions = 2;
const mostCounters = 32;
export const longestCounterName = 63;
const longestValue = 64;

const number = '(0|[1-9]\\d*)';
const preRelease = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const build = '[0-9a-zA-Z-]+';
const semver = new RegExp(
  `^${number}\\.${number}\\.${number}(-${preRelease}(\\.${preRelease})*)?(\\+${build}(\\.${build})*)?$`,
);

/** @param own each device of the slice says itself which nodes have it */
export function validateDevice(device: Device, old: Device | undefined, field: string, own: boolean): FieldCause[] {
  const { name, attributes = {}, capacity = {}, taints = [], consumesCounters } = device;
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  const detail = `the total number of attributes and capacities must not exceed ${mostAttributesAndCapacities}`;
  const keys = { key: validateAttributeName, longestKey: longestQualifiedName };
  const shared = device.allowMultipleAllocations === true;
  // What was accepted once may stay, also after rules have changed.
  const sameTaints = old !== undefined && isSame(old.taints ?? [], taints);
  return [
    ...validateLabelName(name, `${field}.name`),
    ...(count > mostAttributesAndCapacities ? [invalid(field, count, detail)] : []),
    ...validateMap(attributes, undefined, `${field}.attributes`, { ...keys, value: validateAttribute }),
    ...validateMap(capacity, undefined, `${field}.capacity`, {
      ...keys,
      value: (amount, at) => validateCapacity(amount, at, shared),
    }),
    ...(sameTaints ? [] : validateList(taints, mostTaints, `${field}.taints`, validateTaint)),
    ...validateSet(consumesCounters, mostConsumptions, `${field}.consumesCounters`, {
      check: ({ counterSet, counters }, at) => [
        ...(counterSet ? validateLabelName(counterSet, `${at}.counterSet`) : [required(`${at}.counterSet`)]),
        ...validateCounters(counters, `${at}.counters`),
      ],
      key: ({ counterSet }) => counterSet,
    }),
    ...(own ? validateOwnNodes(device, field) : refuseOwnNodes(device, field)),
    ...validateBindingConditions(device, field),
  ];
}

/** Counters of a set, or those that a device consumes. Any amount is valid. */
export function validateCounters(counters: Readonly<Record<string, unknown>> | undefined, field: string): FieldCause[] {
  if (Object.keys(counters ?? {}).length === 0) return [required(field)];
  return validateMap(counters, mostCounters, field, {
    key: validateLabelName,
    value: () => [],
    longestKey: longestCounterName,
  });
}

function validateAttribute(attribute: Attribute, field: string): FieldCause[] {
  const { int, bool, string, version } = attribute;
  const set = [int, bool, string, version].filter((value) => value !== undefined).length;
  return [
    ...(string === undefined ? [] : validateLength(string, `${field}.string`)),
    ...(version === undefined ? [] : validateVersion(version, `${field}.version`)),
    ...(set === 1 ? [] : [invalid(field, set === 0 ? '' : attribute, 'exactly one value must be specified')]),
  ];
}

const validateLength = (text: string, field: string): FieldCause[] =>
  Buffer.byteLength(text) > longestValue ? [tooLong(field, longestValue)] : [];

const validateVersion = (text: string, field: string): FieldCause[] => [
  ...(semver.test(text) ? [] : [invalid(field, text, 'must be a string compatible with semver.org spec 2.0.0')]),
  ...validateLength(text, field),
];

const places =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ' +
  'ResourceSlice spec';

function validateOwnNodes(device: Device, field: string): FieldCause[] {
  const { causes, set } = validateNodes(device, field, 'must not be empty');
  if (set.length === 0) return [...causes, required(field, places)];
  return set.length === 1 ? causes : [...causes, invalid(field, `{${set.join(', ')}}`, places)];
}

function refuseOwnNodes({ nodeName, nodeSelector, allNodes }: Device, field: string): FieldCause[] {
  if (nodeName === undefined && !nodeSelector && allNodes === undefined) return [];
  const detail =
    '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  return [invalid(field, undefined, detail)];
}

/** Which nodes have a device or the devices of a slice. `set` names the fields that say it. */
export function validateNodes(
  { nodeName, nodeSelector, allNodes }: Pick<Device, 'nodeName' | 'nodeSelector' | 'allNodes'>,
  field: string,
  emptyName: string,
): { readonly causes: FieldCause[]; readonly set: readonly string[] } {
  const causes: FieldCause[] = [];
  const at = `${field}.nodeName`;
  if (nodeName === '') causes.push(invalid(at, nodeName, emptyName));
  else if (nodeName !== undefined) {
    causes.push(...dns1123Subdomain(nodeName).map((message) => invalid(at, nodeName, message)));
  }
  if (nodeSelector) causes.push(...validateNodeSelector(nodeSelector, `${field}.nodeSelector`));
  if (allNodes === false) causes.push(invalid(`${field}.allNodes`, false, 'must be either unset or set to true'));
  const set = [...(nodeName ? ['`nodeName`'] : []), ...(nodeSelector ? ['`nodeSelector`'] : [])];
  return { causes, set: [...set, ...(allNodes ? ['`allNodes`'] : [])] };
}
