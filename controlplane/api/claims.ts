// Names of values that only one object of the cluster may have: the store takes and frees them with the object
// (controlplane/store/README.md). Pure: equal objects have the same claims on every server, with any configuration.
import { canonicalAddress, formatCidr, parseCidr, unmappedAddress } from '../base/cidr';
import type { CustomResourceDefinition } from './crd/types';
import type { Node } from './node';
import type { Service } from './service';

export const clusterIpClaim = (address: string): string => `clusterip/${canonicalAddress(address)}`;
/** One number for all protocols: a Service may use it for TCP and UDP, a second Service for neither. */
export const nodePortClaim = (port: number): string => `nodeport/${port}`;
export const nodeAddressClaim = (address: string): string => `nodeaddress/${address}`;
const podCidrClaim = (cidr: string): string => `podcidr/${canonicalCidr(cidr)}`;

export function serviceClaims({ spec = {} }: Service): string[] {
  const addresses = spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? [spec.clusterIP ?? '']);
  const ports = [...(spec.ports ?? []).map(({ nodePort }) => nodePort), spec.healthCheckNodePort];
  return [
    ...addresses.filter((address) => address !== '' && address !== 'None').map(clusterIpClaim),
    ...new Set(ports.flatMap((port) => (port ? [nodePortClaim(port)] : []))),
  ];
}

export function nodeClaims(node: Node): string[] {
  const cidrs = node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
  return [...internalAddresses(node).map(nodeAddressClaim), ...cidrs.map(podCidrClaim)];
}

/** The accepted names: two servers may accept names at the same moment. A resource and a kind may have the same name. */
export function definitionClaims({ spec, status }: CustomResourceDefinition): string[] {
  const { plural, singular, shortNames = [], kind, listKind } = status?.acceptedNames ?? {};
  const named = (what: string, names: readonly (string | undefined)[]) =>
    [...new Set(names)].flatMap((name) => (name ? [`${what}/${spec?.group ?? ''}/${name}`] : []));
  return [...named('resource', [plural, singular, ...shortNames]), ...named('kind', [kind, listKind])];
}

/** The addresses at which other nodes reach this one. Loopback addresses belong to no link, so each machine has them all. */
export const internalAddresses = ({ status }: Node): string[] =>
  (status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    // Packets to the IPv4-mapped form reach the IPv4 address.
    .map(({ address }) => unmappedAddress(address))
    .filter((address) => !/^(127\.|::1$)/.test(address));

function canonicalCidr(text: string): string {
  try {
    return formatCidr(parseCidr(text));
  } catch {
    return text;
  }
}
