// v1 Endpoints.
import { isIP } from 'node:net';
import type { V1Endpoints } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { validateDestination, validateIp } from './validation/addresses';
import { invalid, invalidEach, newCauses, required } from './validation/causes';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from './validation/names';
import { oneOf } from './validation/selectors';

export type Endpoints = Wire<V1Endpoints>;
type Subset = NonNullable<Endpoints['subsets']>[number];

const shown = 3;

/** The first three addresses with their ports, and how many more there are. */
function endpointsCell({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) =>
      addresses.map(({ ip = '' }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
    );
  });
  const text = all.slice(0, shown).join(',');
  if (all.length > shown) return `${text} + ${all.length - shown} more...`;
  return text === '' ? none : text;
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: Subset, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    causes.push(required(field, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const [key, list] of Object.entries({ addresses, notReadyAddresses })) {
    list.forEach(({ ip = '', hostname, nodeName }, i) => {
      const at = `${field}.${key}[${i}]`;
      const notAddress = validateIp(`${at}.ip`, ip);
      causes.push(...notAddress);
      if (hostname) causes.push(...invalidEach(`${at}.hostname`, hostname, dns1123Label(hostname)));
      if (nodeName !== undefined) causes.push(...invalidEach(`${at}.nodeName`, nodeName, dns1123Subdomain(nodeName)));
      if (notAddress.length === 0) causes.push(...validateDestination(ip, `${at}.ip`));
      // Upstream looks twice at a text that is no address.
      else if (isIP(ip) === 0) causes.push(invalid(`${at}.ip`, ip, 'must be a valid IP address'));
    });
  }
  ports.forEach(({ name = '', port, protocol, appProtocol }, i) => {
    const at = `${field}.ports[${i}]`;
    if (name !== '') causes.push(...invalidEach(`${at}.name`, name, dns1123Label(name)));
    else if (ports.length > 1) causes.push(required(`${at}.name`));
    causes.push(...invalidEach(`${at}.port`, port ?? 0, portNumber(port ?? 0)));
    causes.push(...oneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    if (appProtocol !== undefined) {
      causes.push(...invalidEach(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol)));
    }
  });
  return causes;
}

const validateSubsets = ({ subsets = [] }: Endpoints): FieldCause[] =>
  subsets.flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`));

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  schema: { model: 'V1Endpoints' },
  createOnUpdate: true,
  defaults: ({ subsets = [] }) => {
    for (const { ports = [] } of subsets) for (const port of ports) port.protocol ??= 'TCP';
  },
  // Objects that an older server stored must still be deletable.
  validate: (object, { old }) => newCauses(validateSubsets(object), () => (old ? validateSubsets(old) : [])),
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [
    nameColumn,
    { name: 'Endpoints', type: 'string', description: 'Addresses and ports.', cell: endpointsCell },
    ageColumn,
  ],
});
