// networking.k8s.io/v1 NetworkPolicy. dataplane/policy implements it for packets.
import type { V1NetworkPolicy } from '@kubernetes/client-node';
import { type Cidr, cidrContains, parseCidr } from '../base/cidr';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { selectorText } from './scale';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { forbidden, invalid, invalidEach, notSupported, required } from './validation/causes';
import { portName, portNumber } from './validation/names';
import { oneOf, validateLabelSelector } from './validation/selectors';

export type NetworkPolicy = Wire<V1NetworkPolicy>;
type Spec = NonNullable<NetworkPolicy['spec']>;
type IngressRule = NonNullable<Spec['ingress']>[number];
type Peer = NonNullable<IngressRule['from']>[number];
type Port = NonNullable<IngressRule['ports']>[number];
type IpBlock = NonNullable<Peer['ipBlock']>;

const protocols = ['TCP', 'UDP', 'SCTP'];
const directions = ['Ingress', 'Egress'];

function setDefaults(policy: NetworkPolicy): void {
  policy.spec ??= {};
  const { spec } = policy;
  spec.podSelector ??= {};
  for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of ports) port.protocol ??= 'TCP';
  }
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

/** A kernel rule joins a peer, with its exceptions, to all ports of a rule: the text grows with the product of peers and ports. */
const maxCombinations = 20_000;

/** Beyond upstream, which leaves this to the network plug-in: one huge policy could stop a node from writing all other policies. */
function validateSize({ ingress = [], egress = [] }: Spec): FieldCause[] {
  const rules = [
    ...ingress.map(({ ports, from }) => ({ ports, peers: from })),
    ...egress.map(({ ports, to }) => ({ ports, peers: to })),
  ];
  const ranges = (peers: readonly Peer[] = []) =>
    peers.reduce((sum, { ipBlock }) => sum + 1 + (ipBlock?.except?.length ?? 0), 0);
  const combinations = rules.reduce((sum, { ports = [], peers }) => sum + ports.length * ranges(peers), 0);
  if (combinations <= maxCombinations) return [];
  const why = `must have at most ${maxCombinations} combinations of a peer and a port, not ${combinations}: merge ranges, or use endPort`;
  return [forbidden('spec', why)];
}

function validateSpec({ podSelector, ingress = [], egress = [], policyTypes = [] }: Spec): FieldCause[] {
  const each = <T>(list: readonly T[] | undefined, field: string, check: (one: T, at: string) => FieldCause[]) =>
    (list ?? []).flatMap((one, i) => check(one, `${field}[${i}]`));
  const causes = [
    ...validateSize({ podSelector, ingress, egress } as Spec),
    ...validateLabelSelector(podSelector, 'spec.podSelector'),
    ...each(ingress, 'spec.ingress', ({ ports, from }, at) => [
      ...each(ports, `${at}.ports`, validatePort),
      ...each(from, `${at}.from`, validatePeer),
    ]),
    ...each(egress, 'spec.egress', ({ ports, to }, at) => [
      ...each(ports, `${at}.ports`, validatePort),
      ...each(to, `${at}.to`, validatePeer),
    ]),
  ];
  if (policyTypes.length > directions.length) {
    return [...causes, invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes')];
  }
  for (const [i, type] of policyTypes.entries()) {
    if (!directions.includes(type)) causes.push(notSupported(`spec.policyTypes[${i}]`, type, directions));
  }
  return causes;
}

function validatePort({ protocol, port, endPort }: Port, field: string): FieldCause[] {
  const causes = oneOf(`${field}.protocol`, protocol, protocols);
  const endAt = `${field}.endPort`;
  if (port === undefined) {
    if (endPort !== undefined)
      causes.push(invalid(endAt, endPort, 'may not be specified when `port` is not specified'));
  } else if (typeof port === 'string') {
    if (endPort !== undefined) causes.push(invalid(endAt, endPort, 'may not be specified when `port` is non-numeric'));
    causes.push(...invalidEach(`${field}.port`, port, portName(port)));
  } else {
    causes.push(...invalidEach(`${field}.port`, port, portNumber(port)));
    if (endPort !== undefined) {
      if (endPort < port) causes.push(invalid(endAt, port, 'must be greater than or equal to `port`'));
      causes.push(...invalidEach(endAt, endPort, portNumber(endPort)));
    }
  }
  return causes;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: Peer, field: string): FieldCause[] {
  const causes = [
    ...validateLabelSelector(podSelector, `${field}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...(ipBlock ? validateIpBlock(ipBlock, `${field}.ipBlock`) : []),
  ];
  if (!podSelector && !namespaceSelector && !ipBlock) return [...causes, required(field, 'must specify a peer')];
  if (ipBlock && (podSelector || namespaceSelector)) {
    causes.push(forbidden(field, 'may not specify both ipBlock and another peer'));
  }
  return causes;
}

const notCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

function validateIpBlock({ cidr, except = [] }: IpBlock, field: string): FieldCause[] {
  if (!cidr) return [required(`${field}.cidr`)];
  const block = cidrOf(cidr);
  if (!block) return [invalid(`${field}.cidr`, cidr, notCidr)];
  return except.flatMap((text, i) => {
    const at = `${field}.except[${i}]`;
    const hole = cidrOf(text);
    if (!hole) return [invalid(at, text, notCidr)];
    const inside = cidrContains(block, { family: hole.family, value: hole.base }) && hole.prefix > block.prefix;
    return inside ? [] : [invalid(at, text, 'must be a strict subset of `cidr`')];
  });
}

function cidrOf(text: string): Cidr | undefined {
  try {
    return parseCidr(text);
  } catch {
    return undefined;
  }
}

export const networkPolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  schema: { model: 'V1NetworkPolicy' },
  generation: 'spec',
  defaults: setDefaults,
  validate: ({ spec }) => validateSpec(spec ?? {}),
  columns: [
    nameColumn,
    {
      name: 'Pod-Selector',
      type: 'string',
      description: 'The pods this policy applies to: all of its namespace when none.',
      cell: ({ spec }) => selectorText(spec?.podSelector) || none,
    },
    ageColumn,
  ],
});
