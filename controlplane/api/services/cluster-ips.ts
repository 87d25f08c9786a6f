// The rules for clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy among themselves (KEP-563). The allocator checks them before it chooses
// families and addresses, as upstream: it relies on them.
import type { FieldCause } from '../../base/errors';
import { validateIp } from '../validation/addresses';
import { duplicate, invalid, notSupported, required } from '../validation/causes';
import { isExternalName, isHeadless, type ServiceSpec } from './types';

const families = ['IPv4', 'IPv6'];
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const field = 'spec.clusterIPs';

const familyOf = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');

export function validateClusterIps(spec: ServiceSpec, old: ServiceSpec | undefined): FieldCause[] {
  if (isExternalName(spec)) return [];
  const { ipFamilyPolicy: policy } = spec;
  const wrongIps = validateEach(spec, old);
  return [
    ...validateFirst(spec),
    ...validateFamilies(spec.ipFamilies ?? []),
    ...(policy === undefined || policies.includes(policy)
      ? []
      : [notSupported('spec.ipFamilyPolicy', policy, policies)]),
    ...wrongIps,
    ...((spec.clusterIPs ?? []).length > 2 ? [invalid(field, spec.clusterIPs, 'may only hold up to 2 values')] : []),
    // A family of what is no address would be a second error about the same value.
    ...(wrongIps.length > 0 ? [] : validatePair(spec)),
  ];
}

/** Clients of releases before dual stack read only clusterIP. */
function validateFirst({ clusterIP = '', clusterIPs = [] }: ServiceSpec): FieldCause[] {
  if (clusterIP === '') {
    return clusterIPs.length === 0
      ? []
      : [invalid(field, clusterIPs, 'must be empty when `clusterIP` is not specified')];
  }
  if (clusterIPs.length === 0) return [required(field)];
  return clusterIPs[0] === clusterIP ? [] : [invalid(field, clusterIPs, 'first value must match `clusterIP`')];
}

function validateFamilies(list: readonly string[]): FieldCause[] {
  return list.flatMap((family, i) => [
    ...(families.includes(family) ? [] : [notSupported(`spec.ipFamilies[${i}]`, family, families)]),
    ...(list.indexOf(family) < i ? [duplicate(`spec.ipFamilies[${i}]`, family)] : []),
  ]);
}

/** Addresses that the Service has already may stay. */
function validateEach({ clusterIPs = [] }: ServiceSpec, old: ServiceSpec | undefined): FieldCause[] {
  return clusterIPs.flatMap((ip, i) => {
    if (i === 0 && ip === 'None') {
      return clusterIPs.length > 1 ? [invalid(field, clusterIPs, "'None' must be the first and only value")] : [];
    }
    return (old?.clusterIPs ?? []).includes(ip) ? [] : validateIp(`${field}[${i}]`, ip);
  });
}

function validatePair(spec: ServiceSpec): FieldCause[] {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  const isDualStack = new Set(clusterIPs.map(familyOf)).size === clusterIPs.length;
  const causes = isDualStack ? [] : [invalid(field, clusterIPs, 'may specify no more than one IP for each IP family')];
  if (isHeadless(spec)) return causes;
  clusterIPs.forEach((ip, i) => {
    const family = ipFamilies[i];
    if (family === undefined || !families.includes(family) || family === familyOf(ip)) return;
    causes.push(invalid(`${field}[${i}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
  });
  return causes;
}
