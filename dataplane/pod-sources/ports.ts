// What the port of one pod may send: the input record of this folder, and the set elements that follow from it. Pure.
import { addressBytes, formatAddress, parseAddress } from '../../controlplane/base/cidr';
import { macBytes } from '../link/mac';

/** The node's end of a pod's veth pair, with the only MAC and the only addresses allowed to come in through it. */
export interface PodPort {
  readonly link: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** The link-local address that the kernel forms from a MAC (RFC 4291, appendix A): 0a:58:0a:f4:01:05 → fe80::858:aff:fef4:105. */
export function linkLocalOf(mac: string): string {
  const bytes = macBytes(mac);
  // The universal/local bit is inverted in an interface identifier.
  const identifier = Buffer.from([bytes[0]! ^ 2, bytes[1]!, bytes[2]!, 0xff, 0xfe, bytes[3]!, bytes[4]!, bytes[5]!]);
  const value = (0xfe80n << 112n) | BigInt(`0x${identifier.toString('hex')}`);
  return formatAddress({ family: 6, value });
}

/** Set name → elements, in nft's syntax. */
export type SourceElements = Readonly<
  Record<'ports' | 'macs' | 'addresses4' | 'addresses6' | 'senders4' | 'senders6' | 'targets6', string[]>
>;

export function elementsOf(ports: readonly PodPort[]): SourceElements {
  const elements: SourceElements = {
    ports: [],
    macs: [],
    addresses4: [],
    addresses6: [],
    senders4: [],
    senders6: [],
    targets6: [],
  };
  for (const { link, mac, addresses } of ports) {
    elements.ports.push(link);
    elements.macs.push(`${link} . ${mac}`);
    for (const address of [...addresses, linkLocalOf(mac)]) {
      const { family } = parseAddress(address);
      elements[family === 4 ? 'addresses4' : 'addresses6'].push(`${link} . ${address}`);
      elements[family === 4 ? 'senders4' : 'senders6'].push(`${link} . ${mac} . ${address}`);
      // nft has no field of type address for the target of a neighbour advertisement, so the target is a number with all its
      // digits.
      if (family === 6) elements.targets6.push(`${link} . 0x${addressBytes(address).toString('hex')}`);
    }
  }
  return elements;
}
