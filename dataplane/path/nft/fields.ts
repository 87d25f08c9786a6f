// The packet fields that nftables rules compare, by their names in nft's language. Each is a function of the packet; undefined
// means that the packet has no such field, and then the rule does not match.
import type { Traveller } from '../packet';

/** The value as nft writes it in the key of an element. */
export type Field = (packet: Traveller) => string | number | undefined;

const ipField = '(ip|ip6) (saddr|daddr)';
const portField = '(th|tcp|udp|sctp) dport';
const numbers = 'numgen random mod (\\d+)(?: offset (\\d+))?';
const one = `(?:${[ipField, portField, numbers, 'meta l4proto', 'meta nfproto', 'iifname', 'oifname', 'ether saddr', 'ether type'].join('|')})`;

/** One field, or several joined by ` . `, as the text of a regular expression without groups. */
export const fieldsPattern = `(?:${one}(?: \\. ${one})*)`.replace(/\((?!\?)/g, '(?:');

const protocolNumbers: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
  ['icmpv6', 58],
  ['sctp', 132],
]);
export const protocolNumber = (protocol: string): number => protocolNumbers.get(protocol) ?? -1;

/** `bridge`: for tables of the bridge family, where names of links are those of the bridge's ports. */
export function fieldOf(text: string, bridge: boolean): Field {
  const fields = text.split(' . ').map((part) => single(part, bridge));
  if (fields.length === 1) return fields[0]!;
  return (packet) => {
    const parts: (string | number)[] = [];
    for (const field of fields) {
      const value = field(packet);
      if (value === undefined) return undefined;
      parts.push(value);
    }
    return parts.join(' . ');
  };
}

function single(part: string, bridge: boolean): Field {
  const address = new RegExp(`^${ipField}$`).exec(part);
  if (address) {
    const family = address[1] === 'ip' ? 4 : 6;
    const end = address[2] === 'saddr' ? 'source' : 'destination';
    return (packet) => (packet.family === family ? packet.fields[end] : undefined);
  }
  const port = new RegExp(`^${portField}$`).exec(part)?.[1];
  if (port === 'th') return (packet) => packet.fields.destinationPort;
  if (port) return (packet) => (packet.protocol === port ? packet.fields.destinationPort : undefined);
  const drawn = new RegExp(`^${numbers}$`).exec(part);
  if (drawn) {
    const [modulus, offset] = [Number(drawn[1]), Number(drawn[2] ?? 0)];
    return ({ around }) => Math.floor(around.random() * modulus) + offset;
  }
  return others[part]!(bridge);
}

const others: Readonly<Record<string, (bridge: boolean) => Field>> = {
  'meta l4proto': () => (packet) => protocolNumber(packet.protocol),
  // NFPROTO_IPV4 and NFPROTO_IPV6.
  'meta nfproto': () => (packet) => (packet.family === 4 ? 2 : 10),
  iifname: (bridge) => (packet) => (bridge ? packet.frame?.port : packet.inInterface),
  oifname: () => (packet) => packet.outInterface,
  'ether saddr': () => (packet) => packet.frame?.sourceMac,
  'ether type': () => (packet) => (packet.family === 4 ? '0x0800' : '0x86dd'),
};

const namesOf: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  'meta l4proto': new Map([...protocolNumbers].map(([name, number]) => [name, String(number)])),
  'meta nfproto': new Map([
    ['ipv4', '2'],
    ['ipv6', '10'],
  ]),
  'ether type': new Map([
    ['ip', '0x0800'],
    ['arp', '0x0806'],
    ['ip6', '0x86dd'],
  ]),
};

/** The value in the form that nft prints with -n: names of values become numbers, and names of links lose their quotes. */
export const valueText = (field: string, text: string): string =>
  namesOf[field]?.get(text) ?? text.replace(/^"(.*)"$/, '$1');
