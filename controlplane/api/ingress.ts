// networking.k8s.io/v1 Ingress.
import { isIP } from 'node:net';
import type { V1Ingress, V1IngressBackend } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { loadBalancerAddresses } from './services/columns';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { validateIp } from './validation/addresses';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import {
  dns1123Label,
  dns1123Subdomain,
  pathSegment,
  portName,
  portNumber,
  wildcardDns1123Subdomain,
} from './validation/names';

export type Ingress = Wire<V1Ingress>;

/** The annotation that named the class before the field existed. */
const classAnnotation = 'kubernetes.io/ingress.class';
type Spec = NonNullable<Ingress['spec']>;
type Rule = NonNullable<Spec['rules']>[number];
type Backend = Wire<V1IngressBackend>;
type Path = NonNullable<Rule['http']>['paths'][number];

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const shownHosts = 3;

function hostsCell({ spec }: Ingress): string {
  const hosts = (spec?.rules ?? []).map(({ host = '' }) => host).filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  const text = hosts.slice(0, shownHosts).join(',');
  return hosts.length > shownHosts ? `${text} + ${hosts.length - shownHosts} more...` : text;
}

function validateSpec(spec: Spec | undefined, old: Spec | undefined): FieldCause[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec ?? {};
  const causes: FieldCause[] = [];
  if (rules.length === 0 && !defaultBackend) {
    causes.push(invalid('spec', spec?.rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend) causes.push(...validateBackend(defaultBackend, 'spec.defaultBackend'));
  rules.forEach((rule, i) => {
    causes.push(...validateRule(rule, `spec.rules[${i}]`));
  });
  // Names of Secrets that were accepted earlier may stay.
  const mayBeWrong = (old?.tls ?? []).some(({ secretName = '' }) => wrongSecretName(secretName).length > 0);
  tls.forEach(({ hosts = [], secretName = '' }, i) => {
    hosts.forEach((host, j) => {
      causes.push(...invalidEach(`spec.tls[${i}].hosts[${j}]`, host, wrongDnsName(host)));
    });
    if (!mayBeWrong) causes.push(...invalidEach(`spec.tls[${i}].secretName`, secretName, wrongSecretName(secretName)));
  });
  if (ingressClassName !== undefined) {
    causes.push(...invalidEach('spec.ingressClassName', ingressClassName, dns1123Subdomain(ingressClassName)));
  }
  return causes;
}

const wrongSecretName = (name: string): string[] => (name === '' ? [] : dns1123Subdomain(name));

const wrongDnsName = (host: string): string[] =>
  host.includes('*') ? wildcardDns1123Subdomain(host) : dns1123Subdomain(host);

const isAddress = (host: string): string[] => (isIP(host) === 0 ? [] : ['must be a DNS name, not an IP address']);

function validateRule({ host = '', http }: Rule, field: string): FieldCause[] {
  const causes = host === '' ? [] : invalidEach(`${field}.host`, host, [...isAddress(host), ...wrongDnsName(host)]);
  if (!http) return causes;
  if (!http.paths?.length) causes.push(required(`${field}.http.paths`));
  http.paths?.forEach((path, i) => {
    causes.push(...validatePath(path, `${field}.http.paths[${i}]`));
  });
  return causes;
}

const forbiddenParts = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenEndings = ['/..', '/.'];

function validatePath({ path = '', pathType, backend }: Path, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (pathType === undefined) return [required(`${field}.pathType`, 'pathType must be specified')];
  if (!pathTypes.includes(pathType)) causes.push(notSupported(`${field}.pathType`, pathType, pathTypes));
  else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) causes.push(invalid(`${field}.path`, path, 'must be an absolute path'));
  } else {
    if (!path.startsWith('/')) causes.push(invalid(`${field}.path`, path, 'must be an absolute path'));
    for (const part of forbiddenParts) {
      if (path.includes(part)) causes.push(invalid(`${field}.path`, path, `must not contain '${part}'`));
    }
    for (const ending of forbiddenEndings) {
      if (path.endsWith(ending)) causes.push(invalid(`${field}.path`, path, `cannot end with '${ending}'`));
    }
  }
  return [...causes, ...validateBackend(backend ?? {}, `${field}.backend`)];
}

function validateBackend({ service, resource }: Backend, field: string): FieldCause[] {
  if (service && resource) {
    return [invalid(field, '', 'cannot set both resource and service backends')];
  }
  if (resource) return validateReference(resource, `${field}.resource`);
  if (!service) return [invalid(field, '', 'resource or service backend is required')];
  const at = `${field}.service`;
  const causes = service.name
    ? invalidEach(`${at}.name`, service.name, dns1123Label(service.name))
    : [required(`${at}.name`)];
  const { name, number } = service.port ?? {};
  if (name && number) causes.push(invalid(field, '', 'cannot set both port name & port number'));
  else if (name) causes.push(...invalidEach(`${at}.port.name`, name, portName(name)));
  else if (number) causes.push(...invalidEach(`${at}.port.number`, number, portNumber(number)));
  else causes.push(required(field, 'port name or number is required'));
  return causes;
}

function validateReference(
  { apiGroup, kind = '', name = '' }: NonNullable<Backend['resource']>,
  field: string,
): FieldCause[] {
  const segment = (at: string, value: string) =>
    value === '' ? [required(at)] : invalidEach(at, value, pathSegment(value));
  return [
    ...(apiGroup === undefined ? [] : invalidEach(`${field}.apiGroup`, apiGroup, dns1123Subdomain(apiGroup))),
    ...segment(`${field}.kind`, kind),
    ...segment(`${field}.name`, name),
  ];
}

/** Addresses that the old status has may stay. */
function validateStatus(status: Ingress['status'], old: Ingress['status']): FieldCause[] {
  const known = new Set((old?.loadBalancer?.ingress ?? []).map(({ ip }) => ip));
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '', hostname = '' }, i) => {
    const field = `status.loadBalancer.ingress[${i}]`;
    return [
      ...(ip === '' || known.has(ip) ? [] : validateIp(`${field}.ip`, ip)),
      ...(hostname === ''
        ? []
        : invalidEach(`${field}.hostname`, hostname, [...dns1123Subdomain(hostname), ...isAddress(hostname)])),
    ];
  });
}

function validate({ metadata, spec, status }: Ingress, { old, subresource }: WriteContext<Ingress>): FieldCause[] {
  if (subresource === 'status') return validateStatus(status, old?.status);
  if (subresource !== '') return [];
  const annotation = metadata?.annotations?.[classAnnotation];
  const { ingressClassName } = spec ?? {};
  const differs = !old && annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName;
  const detail = 'must match `ingressClassName` when both are specified';
  return [
    ...validateSpec(spec, old?.spec),
    ...(differs ? [invalid(`annotations.${classAnnotation}`, annotation, detail)] : []),
  ];
}

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  schema: { model: 'V1Ingress' },
  hasStatus: true,
  prepare: (ingress, { old }) => {
    if (!old) ingress.status = { loadBalancer: {} };
  },
  validate,
  warnings: ({ metadata, spec }, { old }) =>
    !old && spec?.ingressClassName === undefined && metadata?.annotations?.[classAnnotation] !== undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  columns: [
    nameColumn,
    {
      name: 'Class',
      type: 'string',
      description: 'The name of the IngressClass resource that should be used for this ingress.',
      cell: ({ spec, metadata }) => spec?.ingressClassName ?? metadata?.annotations?.[classAnnotation] ?? none,
    },
    { name: 'Hosts', type: 'string', description: 'Hosts that requests are matched against.', cell: hostsCell },
    {
      name: 'Address',
      type: 'string',
      description: 'Where requests reach the ingress.',
      cell: ({ status }) => loadBalancerAddresses(status?.loadBalancer?.ingress),
    },
    {
      name: 'Ports',
      type: 'string',
      description: 'Ports that are open.',
      cell: ({ spec }) => (spec?.tls?.length ? '80, 443' : '80'),
    },
    ageColumn,
  ],
});
