// Rules for the status of a Service, which load balancers and the data plane report.
import { isIP } from 'node:net';
import type { FieldCause } from '../../base/errors';
import type { Service } from '../service';
import { validateIp } from '../validation/addresses';
import { forbidden, invalid, invalidEach, notSupported } from '../validation/causes';
import { dns1123Subdomain } from '../validation/names';

/** Packets reach the nodes with the load balancer's address as destination (VIP), or with another one (Proxy); KEP-1860. */
const ipModes = ['Proxy', 'VIP'];

export function defaultStatus({ spec, status }: Service): void {
  if (spec?.type !== 'LoadBalancer') return;
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

/** Addresses that the Service has already may stay. */
export function validateStatus({ spec, status }: Service, old: Service | undefined): FieldCause[] {
  const known = new Set((old?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip));
  const at = 'status.loadBalancer.ingress';
  const all = status?.loadBalancer?.ingress ?? [];
  if (all.length > 0 && spec?.type !== 'LoadBalancer') {
    return [forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return all.flatMap(({ ip, ipMode, hostname }, i) => {
    const causes: FieldCause[] = [];
    if (ip && !known.has(ip)) causes.push(...validateIp(`${at}[${i}].ip`, ip));
    if (ipMode !== undefined && !ip) {
      causes.push(forbidden(`${at}[${i}].ipMode`, 'may not be specified when `ip` is not set'));
    } else if (ipMode !== undefined && !ipModes.includes(ipMode)) {
      causes.push(notSupported(`${at}[${i}].ipMode`, ipMode, ipModes));
    }
    if (hostname) {
      causes.push(...invalidEach(`${at}[${i}].hostname`, hostname, dns1123Subdomain(hostname)));
      if (isIP(hostname) !== 0) {
        causes.push(invalid(`${at}[${i}].hostname`, hostname, 'must be a DNS name, not an IP address'));
      }
    }
    return causes;
  });
}
