// discovery.k8s.io/v1 EndpointSlice.
import { isIP } from 'node:net';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { validateDestination } from './validation/addresses';
import {
  duplicate,
  immutable,
  invalid,
  invalidEach,
  newCauses,
  notSupported,
  required,
  tooMany,
} from './validation/causes';
import { type Check, dns1123Label, dns1123Subdomain, labelValue, portNumber, qualifiedName } from './validation/names';
import { oneOf } from './validation/selectors';

export type EndpointSlice = Wire<V1EndpointSlice>;
type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

const addressTypes = ['FQDN', 'IPv4', 'IPv6'];
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 100;
const maxHints = 8;
const shown = 3;
const unset = '<unset>';

/** The first three of a list, and how many more there are. */
function shortList(items: readonly (string | number)[]): string {
  if (items.length === 0) return unset;
  const text = items.slice(0, shown).join(',');
  return items.length > shown ? `${text} + ${items.length - shown} more...` : text;
}

function validate(slice: EndpointSlice, { old }: WriteContext<EndpointSlice>): FieldCause[] {
  const { addressType } = slice;
  return [
    // Objects that an older server stored must still be deletable.
    ...newCauses(validateFields(slice), () => (old ? validateFields(old) : [])),
    ...(old && old.addressType !== addressType ? [invalid('addressType', addressType, immutable)] : []),
  ];
}

function validateFields(slice: EndpointSlice): FieldCause[] {
  const { addressType = '' as EndpointSlice['addressType'], endpoints = [], ports = [] } = slice;
  const causes: FieldCause[] = [];
  if (!addressType) causes.push(required('addressType'));
  else if (!addressTypes.includes(addressType)) causes.push(notSupported('addressType', addressType, addressTypes));
  causes.push(...(ports.length > maxPorts ? [tooMany('ports', ports.length, maxPorts)] : validatePorts(ports)));
  if (endpoints.length > maxEndpoints) return [...causes, tooMany('endpoints', endpoints.length, maxEndpoints)];
  endpoints.forEach((endpoint, i) => {
    causes.push(...validateEndpoint(endpoint, addressType, `endpoints[${i}]`));
  });
  return causes;
}

/** Upstream does not check the numbers; here nodes write them into rules. */
function validatePorts(ports: NonNullable<EndpointSlice['ports']>): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  ports.forEach(({ name = '', port, protocol, appProtocol }, i) => {
    if (name !== '') causes.push(...invalidEach(`ports[${i}].name`, name, dns1123Label(name)));
    if (names.has(name)) causes.push(duplicate(`ports[${i}].name`, name));
    names.add(name);
    // Upstream does not check: a rule with such a port would make the kernel refuse the rules of all Services.
    if (port !== undefined) causes.push(...invalidEach(`ports[${i}].port`, port, portNumber(port)));
    causes.push(...oneOf(`ports[${i}].protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    if (appProtocol !== undefined) {
      causes.push(...invalidEach(`ports[${i}].appProtocol`, appProtocol, qualifiedName(appProtocol)));
    }
  });
  return causes;
}

function validateEndpoint(endpoint: Endpoint, addressType: string, field: string): FieldCause[] {
  const { addresses = [], hostname, nodeName } = endpoint;
  const causes: FieldCause[] = [];
  if (addresses.length === 0) causes.push(required(`${field}.addresses`, 'must contain at least 1 address'));
  if (addresses.length > maxAddresses) causes.push(tooMany(`${field}.addresses`, addresses.length, maxAddresses));
  addresses.forEach((address, i) => {
    const at = `${field}.addresses[${i}]`;
    if (addressType === 'FQDN') causes.push(...invalidEach(at, address, dns1123Subdomain(address)));
    else if (addressTypes.includes(addressType)) {
      const family = isIP(address);
      // The path lacks the index, as upstream.
      if (family !== 0 && `IPv${family}` !== addressType) {
        causes.push(invalid(`${field}.addresses`, address, `must be an ${addressType} address`));
      }
      causes.push(...validateDestination(address, at));
    }
  });
  if (nodeName !== undefined) causes.push(...invalidEach(`${field}.nodeName`, nodeName, dns1123Subdomain(nodeName)));
  if (hostname !== undefined) causes.push(...invalidEach(`${field}.hostname`, hostname, dns1123Label(hostname)));
  return [...causes, ...validateHints(endpoint.hints ?? {}, `${field}.hints`)];
}

function validateHints({ forZones = [], forNodes = [] }: NonNullable<Endpoint['hints']>, field: string): FieldCause[] {
  if (forZones.length > maxHints) return [tooMany(`${field}.forZones`, forZones.length, maxHints)];
  const ofZones = validateNames(forZones, `${field}.forZones`, labelValue);
  if (forNodes.length > maxHints) return [...ofZones, tooMany(`${field}.forNodes`, forNodes.length, maxHints)];
  return [...ofZones, ...validateNames(forNodes, `${field}.forNodes`, dns1123Subdomain)];
}

function validateNames(hints: ReadonlyArray<{ readonly name?: string }>, field: string, check: Check): FieldCause[] {
  const known = new Set<string>();
  return hints.flatMap(({ name = '' }, i) => {
    const at = `${field}[${i}].name`;
    const again = known.has(name) ? [duplicate(at, name)] : [];
    known.add(name);
    return [...again, ...invalidEach(at, name, check(name))];
  });
}

export const endpointSlices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  schema: { model: 'V1EndpointSlice' },
  defaults: (slice) => {
    slice.endpoints ??= [];
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  // Only an older version of the API wrote these labels.
  prepare: ({ endpoints = [] }) => {
    for (const endpoint of endpoints) delete endpoint.deprecatedTopology;
  },
  warnings: ({ addressType }, { old }) =>
    !old && addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [],
  // The generation of a slice lets consumers tell whether they saw the newest addresses.
  generation: 'spec+labels',
  validate,
  columns: [
    nameColumn,
    {
      name: 'AddressType',
      type: 'string',
      description: 'The type of address carried by this EndpointSlice.',
      cell: ({ addressType }) => addressType ?? '',
    },
    {
      name: 'Ports',
      type: 'string',
      description: 'The ports exposed by each endpoint in this slice.',
      cell: ({ ports = [] }) => shortList(ports.map(({ port }) => port ?? '*')),
    },
    {
      name: 'Endpoints',
      type: 'string',
      description: 'The addresses of the endpoints.',
      cell: ({ endpoints }) => shortList((endpoints ?? []).flatMap(({ addresses }) => addresses)),
    },
    ageColumn,
  ],
});
