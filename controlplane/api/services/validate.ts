// Field rules of a Service.
import { isIP } from 'node:net';
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import { validatePort } from '../pods/validate-probe';
import type { Service } from '../service';
import { validateDestination, validateIp } from '../validation/addresses';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { validateLabels } from '../validation/metadata';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from '../validation/names';
import { oneOf } from '../validation/selectors';
import {
  hasNodePorts,
  isExternallyAccessible,
  isExternalName,
  isHeadless,
  needsHealthCheckPort,
  type ServicePort,
  type ServiceSpec,
} from './types';

const kubeletPort = 10250;
const maxAffinitySeconds = 24 * 60 * 60;
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const policies = ['Cluster', 'Local'];
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const families = ['IPv4', 'IPv6'];

export function validateService({ spec }: Service, { old, subresource }: WriteContext<Service>): FieldCause[] {
  if (subresource !== '') return [];
  if (!spec) return [required('spec.ports')];
  return [
    ...(old?.spec ? validateUpdate(spec, old.spec) : []),
    ...validateType(spec),
    ...validatePorts(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateAddresses(spec),
    ...validatePolicies(spec),
  ];
}

/** Clients know the address, so only a change of the type may remove or change it. */
function validateUpdate(spec: ServiceSpec, old: ServiceSpec): FieldCause[] {
  if (isExternalName(spec) || isExternalName(old) || !old.clusterIP) return [];
  const causes: FieldCause[] = [];
  if (spec.clusterIP !== old.clusterIP) {
    causes.push(invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [], 'may not change once set'));
  }
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer' && spec.loadBalancerClass !== old.loadBalancerClass) {
    causes.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
  }
  return causes;
}

function validateType(spec: ServiceSpec): FieldCause[] {
  const causes: FieldCause[] = [];
  const { type = '', externalName = '', ports = [] } = spec;
  if (!types.includes(type)) causes.push(notSupported('spec.type', type, types));
  if (ports.length === 0 && !isHeadless(spec) && !isExternalName(spec)) causes.push(required('spec.ports'));
  if (hasNodePorts(spec) && isHeadless(spec)) {
    causes.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`));
  }
  if (type === 'LoadBalancer') {
    ports.forEach(({ port }, i) => {
      const detail = `may not expose port ${kubeletPort} externally since it is used by kubelet`;
      if (port === kubeletPort) causes.push(invalid(`spec.ports[${i}]`, port, detail));
    });
  }
  if (!isExternalName(spec)) return causes;
  if (spec.clusterIP) causes.push(forbidden('spec.clusterIPs', 'may not be set for ExternalName services'));
  if (externalName === '') causes.push(required('spec.externalName'));
  else
    causes.push(...invalidEach('spec.externalName', externalName, dns1123Subdomain(externalName.replace(/\.$/, ''))));
  return causes;
}

function validatePorts(spec: ServiceSpec): FieldCause[] {
  const { ports = [] } = spec;
  const names = new Set<string>();
  const seen = new Set<string>();
  const nodePorts = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const causes = validateServicePort(port, at, ports.length > 1);
    const { name = '', protocol, nodePort } = port;
    if (name !== '' && names.has(name)) causes.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (nodePort && spec.type === 'ClusterIP') {
      causes.push(forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
    if (nodePort && nodePorts.has(`${protocol}/${nodePort}`)) causes.push(duplicate(`${at}.nodePort`, nodePort));
    nodePorts.add(`${protocol}/${nodePort}`);
    if (seen.has(`${protocol}/${port.port}`)) causes.push(duplicate(at, { port: port.port, protocol }));
    seen.add(`${protocol}/${port.port}`);
    return causes;
  });
}

function validateServicePort(
  { name = '', port, protocol, targetPort, appProtocol }: ServicePort,
  at: string,
  many: boolean,
): FieldCause[] {
  const causes: FieldCause[] = [];
  if (name !== '') causes.push(...invalidEach(`${at}.name`, name, dns1123Label(name)));
  else if (many) causes.push(required(`${at}.name`));
  causes.push(...invalidEach(`${at}.port`, port ?? 0, portNumber(port ?? 0)));
  if (!protocol) causes.push(required(`${at}.protocol`));
  else if (!protocols.includes(protocol)) causes.push(notSupported(`${at}.protocol`, protocol, protocols));
  causes.push(...validatePort(targetPort, `${at}.targetPort`));
  if (appProtocol !== undefined)
    causes.push(...invalidEach(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol)));
  return causes;
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): FieldCause[] {
  const causes = oneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']);
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (sessionAffinity === 'ClientIP' && (seconds === undefined || seconds <= 0 || seconds > maxAffinitySeconds)) {
    const detail = `must be greater than 0 and less than ${maxAffinitySeconds}`;
    causes.push(invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds ?? 0, detail));
  }
  return causes;
}

function validateAddresses(spec: ServiceSpec): FieldCause[] {
  const { clusterIPs = [], externalIPs = [], loadBalancerSourceRanges = [], ipFamilies = [] } = spec;
  return [
    ...clusterIPs.flatMap((ip, i) =>
      (i === 0 && ip === 'None') || ip === '' ? [] : validateIp(`spec.clusterIPs[${i}]`, ip),
    ),
    ...(clusterIPs.length > 1 && clusterIPs.includes('None')
      ? [invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")]
      : []),
    ...externalIPs.flatMap((ip, i) => validateDestination(ip, `spec.externalIPs[${i}]`)),
    ...loadBalancerSourceRanges.flatMap((range, i) => validateRange(range, `spec.LoadBalancerSourceRanges[${i}]`)),
    ...(loadBalancerSourceRanges.length > 0 && spec.type !== 'LoadBalancer'
      ? [forbidden('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'")]
      : []),
    ...ipFamilies.flatMap((family, i) => oneOf(`spec.ipFamilies[${i}]`, family, families)),
    ...oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
  ];
}

function validateRange(range: string, field: string): FieldCause[] {
  const [ip = '', prefix = ''] = range.trim().split('/');
  const max = isIP(ip) === 4 ? 32 : 128;
  if (isIP(ip) !== 0 && /^\d+$/.test(prefix) && Number(prefix) <= max) return [];
  return [invalid(field, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

function validatePolicies(spec: ServiceSpec): FieldCause[] {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort } = spec;
  const causes = [
    ...oneOf('spec.externalTrafficPolicy', externalTrafficPolicy, policies),
    ...oneOf('spec.internalTrafficPolicy', internalTrafficPolicy, policies),
    ...oneOf('spec.trafficDistribution', spec.trafficDistribution, distributions),
  ];
  if (externalTrafficPolicy && !isExternallyAccessible(spec)) {
    const detail = 'may only be set for externally-accessible services';
    causes.push(invalid('spec.externalTrafficPolicy', externalTrafficPolicy, detail));
  }
  if (healthCheckNodePort && !needsHealthCheckPort(spec)) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    causes.push(invalid('spec.healthCheckNodePort', healthCheckNodePort, detail));
  }
  const { loadBalancerClass } = spec;
  if (loadBalancerClass === undefined) return causes;
  const at = 'spec.loadBalancerClass';
  if (spec.type === 'LoadBalancer') {
    return [...causes, ...invalidEach(at, loadBalancerClass, qualifiedName(loadBalancerClass))];
  }
  return [...causes, forbidden(at, "may only be used when `type` is 'LoadBalancer'")];
}
