// Decides the address families of a Service: computes spec.ipFamilyPolicy and spec.ipFamilies from the new spec, the stored spec
// and the families of the cluster (KEP-563). Pure; afterwards one address per family is allocated.
import { isDeepStrictEqual } from 'node:util';
import type { Service } from '../../api/index';
import { validateClusterIps } from '../../api/services/cluster-ips';
import type { FieldCause } from '../../base/errors';

type Spec = NonNullable<Service['spec']>;
export type IpFamily = 'IPv4' | 'IPv6';

export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4');
const other = (family: string): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/**
 * Sets policy and families of `spec`; a change to SingleStack removes the second address and family. `configured`: families of
 * the cluster, the default one first. Returns the errors; after an error the spec is incomplete and must not be stored.
 * When the cluster's families change, a Service with PreferDualStack stays as it is until a user changes it.
 */
export function initFamilies(spec: Spec, old: Spec | undefined, configured: readonly IpFamily[]): FieldCause[] {
  if (spec.type === 'ExternalName') return [];
  const wrong = validateClusterIps(spec, old);
  if (wrong.length > 0) return wrong;
  const before = old?.type === 'ExternalName' ? undefined : old;
  if (before && isUntouchedPreference(spec, before)) return [];
  const anyFamily = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (anyFamily ? 'RequireDualStack' : 'SingleStack');
  const causes = [...(before ? release(spec, before) : []), ...policyCauses(spec)];
  if (causes.length === 0) causes.push(...inferFromAddresses(spec, configured));
  if (causes.length > 0) return causes;
  // Headless without a selector: a user writes its endpoints, so its families may differ from those of the cluster.
  if (anyFamily) {
    fillFamilies(spec, configured, true);
    return [];
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    causes.push(policyCause(spec, 'this cluster is not configured for dual-stack services'));
  }
  spec.ipFamilies?.forEach((family, i) => {
    if (!configured.includes(family as IpFamily)) {
      causes.push(cause(`spec.ipFamilies[${i}]`, JSON.stringify(family), 'not configured on this cluster'));
    }
  });
  if (causes.length === 0) fillFamilies(spec, configured, configured.length === 2);
  return causes;
}

function fillFamilies(spec: Spec, configured: readonly IpFamily[], bothAllowed: boolean): void {
  const families = spec.ipFamilies?.length ? spec.ipFamilies : [configured[0]!];
  const both = bothAllowed && spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1;
  spec.ipFamilies = both ? [...families, other(families[0]!)] : families;
}

function isUntouchedPreference(spec: Spec, old: Spec): boolean {
  const policies = [spec.ipFamilyPolicy, old.ipFamilyPolicy];
  return (
    policies.every((policy) => policy === 'PreferDualStack') &&
    isDeepStrictEqual(spec.clusterIPs, old.clusterIPs) &&
    isDeepStrictEqual(spec.ipFamilies, old.ipFamilies)
  );
}

/** SingleStack removes an unchanged second address and family. Without SingleStack the writer must not remove them. */
function release(spec: Spec, old: Spec): FieldCause[] {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (isDeepStrictEqual(clusterIPs, old.clusterIPs ?? [])) spec.clusterIPs = clusterIPs.slice(0, 1);
    if (isDeepStrictEqual(ipFamilies, old.ipFamilies ?? [])) spec.ipFamilies = ipFamilies.slice(0, 1);
    return [];
  }
  const causes: FieldCause[] = [];
  const reduced = (after: readonly string[], before: readonly string[] = []) =>
    after.length > 0 && after.length < before.length;
  if (reduced(clusterIPs, old.clusterIPs)) {
    causes.push(policyCause(spec, "must be 'SingleStack' to release the secondary cluster IP"));
  }
  if (reduced(ipFamilies, old.ipFamilies)) {
    causes.push(policyCause(spec, "must be 'SingleStack' to release the secondary IP family"));
  }
  return causes;
}

function policyCauses(spec: Spec): FieldCause[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const causes: FieldCause[] = [];
  const several = (what: string) =>
    policyCause(spec, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`);
  if (spec.clusterIPs?.length === 2) causes.push(several('cluster IPs'));
  if (spec.ipFamilies?.length === 2) causes.push(several('IP families'));
  return causes;
}

/** Derives families from the requested addresses. */
function inferFromAddresses(spec: Spec, configured: readonly IpFamily[]): FieldCause[] {
  const { clusterIPs = [] } = spec;
  const causes: FieldCause[] = [];
  if (clusterIPs[0] === 'None') return causes;
  const families = [...(spec.ipFamilies ?? [])];
  clusterIPs.forEach((ip, i) => {
    if (i < families.length) return;
    const family = familyOf(ip);
    if (configured.includes(family)) families.push(family);
    else causes.push(cause(`spec.clusterIPs[${i}]`, list(clusterIPs), `${family} is not configured on this cluster`));
  });
  if (families.length > 0) spec.ipFamilies = families;
  return causes;
}

const list = (values: readonly string[]): string => JSON.stringify(values);
const cause = (field: string, value: string, why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${value}: ${why}`,
});
const policyCause = (spec: Spec, why: string): FieldCause =>
  cause('spec.ipFamilyPolicy', JSON.stringify(spec.ipFamilyPolicy), why);
