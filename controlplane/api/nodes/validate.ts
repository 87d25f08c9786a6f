// Field rules of a Node: its taints, its pod ranges, and what it reports in its status. The server checks the status at creation and in
// each later write, because schedulers and controllers rely on it.
import { isDeepStrictEqual } from 'node:util';
import { parseCidr } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import type { Node } from '../node';
import { parseQuantity } from '../quantity';
import { isWhole } from '../quota/validate';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { labelValue, qualifiedName } from '../validation/names';

type Spec = NonNullable<Node['spec']>;
type Status = NonNullable<Node['status']>;

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const longestFeature = 253;
const featureShape = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const nanoPerUnit = 1_000_000_000n;

export function validateNode({ spec = {}, status = {} }: Node, { old, subresource }: WriteContext<Node>): FieldCause[] {
  const ofStatus = [...validateResources(status), ...(old ? [] : validateSwap(status)), ...validateFeatures(status)];
  if (subresource === 'status') return [...ofStatus, ...validateAddresses(status)];
  if (subresource !== '') return [];
  return [
    // The path is upstream's.
    ...validateTaints(spec.taints ?? [], 'metadata.taints'),
    ...(old ? [] : ofStatus),
    ...validateRanges(spec.podCIDRs ?? []),
    ...(old?.spec ? validateUpdate(spec, old.spec) : []),
  ];
}

function validateTaints(taints: NonNullable<Spec['taints']>, field: string): FieldCause[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key = '', value = '', effect = '' }, i) => {
    const at = `${field}[${i}]`;
    const causes = invalidEach(`${at}.key`, key, qualifiedName(key));
    const wrong = labelValue(value);
    if (wrong.length > 0) causes.push(invalid(`${at}.value`, value, wrong.join(';')));
    if (effect === '') causes.push(required(`${at}.effect`));
    else if (!effects.includes(effect)) causes.push(notSupported(`${at}.effect`, effect, effects));
    if (seen.has(`${key}:${effect}`)) {
      const { message, ...rest } = duplicate(at, { key, value, effect });
      causes.push({ ...rest, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(`${key}:${effect}`);
    return causes;
  });
}

function validateResources(status: Status): FieldCause[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    Object.entries(status[list] ?? {}).flatMap(([name, text]) => {
      const field = `status.${list}.${name}`;
      const { nano } = parseQuantity(text);
      return [
        ...(nano < 0n ? [invalid(field, text, 'must be greater than or equal to 0')] : []),
        ...(isWhole(name) && nano % nanoPerUnit !== 0n ? [invalid(field, text, 'must be an integer')] : []),
      ];
    }),
  );
}

/** The path is upstream's. */
function validateSwap({ nodeInfo }: Status): FieldCause[] {
  const capacity = nodeInfo?.swap?.capacity;
  if (capacity === undefined || capacity > 0) return [];
  return [invalid('metadata.nodeSwapStatus.capacity', capacity, 'must be greater than zero')];
}

/** Features that the kubelet declares (KEP-5328): sorted, so that two lists can be compared. */
function validateFeatures({ declaredFeatures = [] }: Status): FieldCause[] {
  const field = 'status.declaredFeatures';
  return declaredFeatures.flatMap((feature, i) => {
    const next = declaredFeatures[i + 1];
    const wrong = whyNoFeature(feature);
    const causes = wrong === undefined ? [] : [invalid(`${field}[${i}]`, feature, wrong)];
    if (next === feature) causes.push(duplicate(`${field}[${i + 1}]`, next));
    else if (next !== undefined && next < feature) {
      causes.push(invalid(`${field}[${i + 1}]`, next, 'list must be sorted alphabetically'));
    }
    return causes;
  });
}

function whyNoFeature(name: string): string | undefined {
  const wrong = `invalid feature name ${JSON.stringify(name)}: must`;
  if (Buffer.byteLength(name) > longestFeature) return `${wrong} be no more than ${longestFeature} characters`;
  if (featureShape.test(name)) return undefined;
  return (
    `${wrong} start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or ` +
    'MyFeature/mySubFeature), and contain only alphanumeric characters and slashes'
  );
}

function validateAddresses({ addresses = [] }: Status): FieldCause[] {
  const seen = new Set<string>();
  return addresses.flatMap(({ type, address }, i) => {
    const key = JSON.stringify([type, address]);
    const again = seen.has(key);
    seen.add(key);
    return again ? [duplicate(`status.addresses[${i}]`, { Type: type, Address: address })] : [];
  });
}

function validateRanges(ranges: readonly string[]): FieldCause[] {
  const field = 'spec.podCIDRs';
  const families = ranges.map(familyOf);
  const causes = families.flatMap((family, i) =>
    family === undefined
      ? [invalid(`${field}[${i}]`, ranges[i], 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
      : [],
  );
  if (causes.length > 0 || ranges.length < 2) return causes;
  const isDualStack = ranges.length === 2 && families[0] !== families[1];
  return isDualStack ? [] : [invalid(field, ranges, 'may specify no more than one CIDR for each IP family')];
}

function familyOf(range: string): number | undefined {
  try {
    return parseCidr(range).family;
  } catch {
    return undefined;
  }
}

/** A pod range must not change once set: routes and pods use it. */
function validateUpdate(spec: Spec, old: Spec): FieldCause[] {
  const causes: FieldCause[] = [];
  const keep = (field: string, name: string) =>
    causes.push(forbidden(field, `node updates may not change ${name} except from "" to valid`));
  if (old.podCIDRs?.length && !isDeepStrictEqual(spec.podCIDRs, old.podCIDRs)) keep('spec.podCIDRs', 'podCIDR');
  if (old.providerID && spec.providerID !== old.providerID) keep('spec.providerID', 'providerID');
  if ((spec.externalID ?? '') !== (old.externalID ?? ''))
    causes.push(forbidden('spec.externalID', 'may not be updated'));
  return causes;
}
