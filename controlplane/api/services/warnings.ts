// Warnings for the author of a valid Service, with kube-apiserver's messages.
import { formatAddress, parseAddress } from '../../base/cidr';
import type { Service } from '../service';
import { isExternalName, isHeadless } from './types';

export function warnOfService({ metadata, spec }: Service): string[] {
  const warnings: string[] = [];
  if (metadata?.annotations?.['service.kubernetes.io/topology-aware-hints'] !== undefined) {
    warnings.push(
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
    );
  }
  if (!spec) return warnings;
  const { clusterIPs = [], externalIPs = [], loadBalancerIP = '', loadBalancerSourceRanges = [] } = spec;
  clusterIPs.forEach((ip, i) => {
    warnings.push(...warnOfAddress(ip, `spec.clusterIPs[${i}]`));
  });
  if (isHeadless(spec)) {
    if (loadBalancerIP !== '') warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity === 'ClientIP') {
      warnings.push('spec.SessionAffinity is ignored for headless services');
    }
  }
  externalIPs.forEach((ip, i) => {
    warnings.push(...warnOfAddress(ip, `spec.externalIPs[${i}]`));
  });
  if (externalIPs.length > 0 && !isHeadless(spec) && !isExternalName(spec)) {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  warnings.push(...warnOfAddress(loadBalancerIP, 'spec.loadBalancerIP'));
  loadBalancerSourceRanges.forEach((range, i) => {
    warnings.push(...warnOfRange(range.trim(), `spec.loadBalancerSourceRanges[${i}]`));
  });
  if (isExternalName(spec) && externalIPs.length > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (!isExternalName(spec) && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}

function readAddress(text: string) {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}

/** Warns of an address that is not in the form of RFC 5952. Validation reports invalid addresses. */
export function warnOfAddress(text: string, field: string): string[] {
  const address = readAddress(text);
  if (address?.family !== 6) return [];
  const canonical = formatAddress(address);
  return canonical === text
    ? []
    : [
        `${field}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
      ];
}

function warnOfRange(text: string, field: string): string[] {
  const [ip = '', prefix = ''] = text.split('/');
  const address = readAddress(ip);
  const max = address?.family === 4 ? 32 : 128;
  if (!address || !/^\d{1,3}$/.test(prefix) || Number(prefix) > max) return [];
  const whole = (BigInt(1) << BigInt(max - Number(prefix))) - 1n;
  const base = { family: address.family, value: address.value & ~whole };
  if (base.value !== address.value) {
    const network = `${formatAddress(base)}/${prefix}`;
    const host = `${formatAddress(address)}/${max}`;
    const quoted = [text, network, host].map((one) => JSON.stringify(one));
    return [`${field}: CIDR value ${quoted[0]} is ambiguous in this context (should be ${quoted[1]} or ${quoted[2]}?)`];
  }
  const canonical = `${formatAddress(base)}/${prefix}`;
  if (address.family === 4 || canonical === text) return [];
  return [
    `${field}: IPv6 CIDR value ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
  ];
}
