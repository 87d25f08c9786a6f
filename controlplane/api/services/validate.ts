// Field rules of a Service.
import { isIP } from 'node:net';
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import { validatePort } from '../pods/validate-probe';
import type { Service } from '../service';
import { validateDestination } from '../validation/addresses';
import { duplicate, forbidden, immutable, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { validateLabels } from '../validation/metadata';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from '../validation/names';
import { oneOf } from '../validation/selectors';
import { validateClusterIps } from './cluster-ips';
import {
  hasNodePorts,
  isExternallyAccessible,
  isExternalName,
  isHeadless,
  needsHealthCheckPort,
  type ServicePort,
  type ServiceSpec,
} from './types';

const maxAffinitySeconds = 24 * 60 * 60;
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const policies = ['Cluster', 'Local'];
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];

export function validateService(service: Service, { old, subresource }: WriteContext<Service>): FieldCause[] {
  if (subresource !== '') return [];
  const { spec } = service;
  if (!spec) return [required('spec.ports')];
  return [
    ...(old?.spec ? validateUpdate(spec, old.spec) : []),
    ...validateTopology(service),
    ...validateType(spec),
    ...validatePorts(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateClusterIps(spec, old?.spec),
    ...validateExternalIps(spec, old?.spec),
    ...oneOf('spec.type', spec.type, types),
    ...validateNumbers(spec),
    ...validateLoadBalancer(service, old),
    ...validateExternalPolicy(spec),
    ...validateInternalPolicy(spec),
    ...oneOf('spec.trafficDistribution', spec.trafficDistribution, distributions),
  ];
}

/** Clients know the addresses, so only a change of the type may remove or change them. */
function validateUpdate(spec: ServiceSpec, old: ServiceSpec): FieldCause[] {
  const causes = isExternalName(spec) || isExternalName(old) ? [] : validateAddressUpdate(spec, old);
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer' && spec.loadBalancerClass !== old.loadBalancerClass) {
    causes.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
  }
  const hasChecks = needsHealthCheckPort(spec) && needsHealthCheckPort(old);
  if (hasChecks && (spec.healthCheckNodePort ?? 0) !== (old.healthCheckNodePort ?? 0)) {
    causes.push(forbidden('spec.healthCheckNodePort', immutable));
  }
  return causes;
}

/** A second address and family may be added and removed; the first ones stay. */
function validateAddressUpdate(spec: ServiceSpec, old: ServiceSpec): FieldCause[] {
  const [now, before] = [isHeadless(spec), isHeadless(old)];
  const once = 'may not change once set';
  const [ips, oldIps] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  const [families, oldFamilies] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  const causes: FieldCause[] = [];
  if (now && before) return causes;
  if (ips.length === 0 && oldIps.length > 0) {
    causes.push(invalid('spec.clusterIPs[0]', ips, 'primary clusterIP can not be unset'));
  }
  // With as many as before, the second one may not change either.
  const compared = (a: readonly unknown[], b: readonly unknown[]) =>
    a.length === b.length ? a.length : Math.min(a.length, b.length, 1);
  for (let i = 0; i < compared(ips, oldIps); i++) {
    if (ips[i] !== oldIps[i]) causes.push(invalid(`spec.clusterIPs[${i}]`, ips, once));
  }
  if (now || before) return causes;
  for (let i = 0; i < compared(families, oldFamilies); i++) {
    if (families[i] !== oldFamilies[i]) {
      const shown = families.length === oldFamilies.length ? families : ips;
      causes.push(invalid('spec.ipFamilies[0]', shown, once));
    }
  }
  return causes;
}

const hints = 'service.kubernetes.io/topology-aware-hints';
const mode = 'service.kubernetes.io/topology-mode';

/** The old annotation and the new one. */
function validateTopology({ metadata }: Service): FieldCause[] {
  const { [hints]: old, [mode]: value } = metadata?.annotations ?? {};
  if (old === undefined || value === undefined || old === value) return [];
  return [invalid(`metadata.annotations[${mode}]`, value, `must match annotations[${hints}] when both are specified`)];
}

function validateType(spec: ServiceSpec): FieldCause[] {
  const causes: FieldCause[] = [];
  const { type = '', externalName = '', ports = [] } = spec;
  if (ports.length === 0 && !isHeadless(spec) && !isExternalName(spec)) causes.push(required('spec.ports'));
  if (hasNodePorts(spec) && isHeadless(spec)) {
    causes.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`));
  }
  if (!isExternalName(spec)) return causes;
  const unset = (field: string, isSet: boolean) => {
    if (isSet) causes.push(forbidden(field, 'may not be set for ExternalName services'));
  };
  unset('spec.clusterIPs', Boolean(spec.clusterIPs?.length));
  unset('spec.ipFamilies', Boolean(spec.ipFamilies?.length));
  unset('spec.ipFamilyPolicy', spec.ipFamilyPolicy !== undefined);
  const name = externalName.replace(/\.$/, '');
  if (name === '') causes.push(required('spec.externalName'));
  else causes.push(...invalidEach('spec.externalName', name, dns1123Subdomain(name)));
  return causes;
}

function validatePorts({ ports = [] }: ServiceSpec): FieldCause[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const causes = validateServicePort(port, at, ports.length > 1);
    const { name = '' } = port;
    if (name === '' || !names.has(name)) {
      names.add(name);
      return causes;
    }
    // Upstream looks at the name first.
    const ofName = causes.findLastIndex(({ field }) => field === `${at}.name`) + 1;
    return [...causes.slice(0, ofName), duplicate(`${at}.name`, name), ...causes.slice(ofName)];
  });
}

/** A number serves one port of a protocol. */
function validateNumbers({ type, ports = [] }: ServiceSpec): FieldCause[] {
  const seen = new Set<string>();
  const isAgain = (key: string) => {
    const again = seen.has(key);
    seen.add(key);
    return again;
  };
  const given = ports.map((port, i) => ({ ...port, at: `spec.ports[${i}]` }));
  const nodePorts = given.filter(({ nodePort }) => nodePort);
  return [
    ...nodePorts.flatMap(({ at }) =>
      type === 'ClusterIP' ? [forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'")] : [],
    ),
    ...nodePorts.flatMap(({ at, protocol, nodePort }) =>
      isAgain(`${protocol} node ${nodePort}`) ? [duplicate(`${at}.nodePort`, nodePort)] : [],
    ),
    ...given.flatMap(({ at, protocol, port }) =>
      isAgain(`${protocol}/${port}`) ? [duplicate(at, { port, protocol })] : [],
    ),
  ];
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

/** Addresses that the Service has already may stay, if packets may be sent to them. */
function validateExternalIps({ externalIPs = [] }: ServiceSpec, old: ServiceSpec | undefined): FieldCause[] {
  const known = new Set(old?.externalIPs ?? []);
  return externalIPs.flatMap((ip, i) => (known.has(ip) ? [] : validateDestination(ip, `spec.externalIPs[${i}]`)));
}

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

function validateLoadBalancer(service: Service, old: Service | undefined): FieldCause[] {
  const spec = service.spec ?? {};
  const isOne = spec.type === 'LoadBalancer';
  const allocates = spec.allocateLoadBalancerNodePorts;
  const { loadBalancerClass: name } = spec;
  const at = 'spec.loadBalancerClass';
  return [
    ...validateRanges(service, old),
    ...(allocates !== undefined && !isOne ? [forbidden('spec.allocateLoadBalancerNodePorts', onlyLoadBalancer)] : []),
    ...(name === undefined
      ? []
      : isOne
        ? invalidEach(at, name, qualifiedName(name))
        : [forbidden(at, onlyLoadBalancer)]),
  ];
}

/** The paths are upstream's. Spaces around a range are part of the API. */
function validateRanges({ metadata, spec = {} }: Service, old: Service | undefined): FieldCause[] {
  const { loadBalancerSourceRanges: ranges = [], type } = spec;
  const wrongType = (field: string) => (type === 'LoadBalancer' ? [] : [forbidden(field, onlyLoadBalancer)]);
  if (ranges.length > 0) {
    const field = 'spec.LoadBalancerSourceRanges';
    const known = new Set((old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()));
    const checked = ranges.flatMap((range, i) =>
      known.has(range.trim()) ? [] : validateRange(range.trim(), `${field}[${i}]`),
    );
    return [...wrongType(field), ...checked];
  }
  const value = metadata?.annotations?.[rangesAnnotation];
  if (value === undefined) return [];
  const field = `metadata.annotations[${rangesAnnotation}]`;
  const isChecked = value.trim() !== '' && old?.metadata?.annotations?.[rangesAnnotation] !== value;
  const each = isChecked ? value.trim().split(',') : [];
  return [...wrongType(field), ...each.flatMap((range) => validateRange(range.trim(), field))];
}

function validateRange(range: string, field: string): FieldCause[] {
  const [ip = '', prefix = ''] = range.split('/');
  const max = isIP(ip) === 4 ? 32 : 128;
  if (isIP(ip) !== 0 && /^\d+$/.test(prefix) && Number(prefix) <= max) return [];
  return [invalid(field, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

function validateExternalPolicy(spec: ServiceSpec): FieldCause[] {
  const { externalTrafficPolicy: policy, healthCheckNodePort: port } = spec;
  const causes: FieldCause[] = [];
  if (isExternallyAccessible(spec)) causes.push(...oneOf('spec.externalTrafficPolicy', policy, policies));
  else if (policy) {
    causes.push(invalid('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services'));
  }
  if (!port) return causes;
  const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  const wrong = needsHealthCheckPort(spec) ? portNumber(port) : [detail];
  return [...causes, ...invalidEach('spec.healthCheckNodePort', port, wrong)];
}

function validateInternalPolicy({ internalTrafficPolicy: policy, type }: ServiceSpec): FieldCause[] {
  const field = 'spec.internalTrafficPolicy';
  if (policy !== undefined) return oneOf(field, policy, policies);
  return type !== undefined && types.includes(type) && type !== 'ExternalName' ? [required(field)] : [];
}
