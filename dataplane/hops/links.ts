// The links of a network namespace, as `ip -json -d -s address` shows them. Reads only.
import { cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import type { Exec } from '../exec/exec';
import type { NodeNetwork } from './network';

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  /** False for a link that is up, but whose other end is not. */
  readonly carrier: boolean;
  readonly mtu: number;
  readonly mac: string;
  /** The bridge that it is a port of. */
  readonly master?: string;
  /** Of a port: frames may leave by the port they came in by. */
  readonly hairpin?: boolean;
  /** Of a veth: the index of its other end, in the other namespace. */
  readonly peerIndex?: number;
  readonly kind?: string;
  /** Of a tunnel. */
  readonly vxlan?: { readonly id: number; readonly port: number; readonly local?: string; readonly device?: string };
  readonly addresses: readonly string[];
  /** The same with the length of the prefix: 192.0.2.1/24. */
  readonly ranges: readonly string[];
  /** Packets that the kernel threw away here, in both directions. */
  readonly dropped: number;
}

/** Of a pod's link: the node's end. The number alone may be that of a link in a third namespace, to which the end was moved. */
export const otherEnd = ({ index, peerIndex }: Link, links: readonly Link[]): Link | undefined =>
  links.find((link) => link.index === peerIndex && link.peerIndex === index);

/**
 * The link by which a machine is reached: the one in its subnet, which may be down and then has no routes; otherwise that of the route.
 * Pure.
 */
export function linkTowards(machine: string, links: readonly Link[], network: NodeNetwork): Link | undefined {
  const address = parseAddress(machine);
  const near = links.find(({ ranges }) => ranges.some((range) => cidrContains(parseCidr(range), address)));
  return near ?? links.find(({ name }) => name === network.route(machine));
}

interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address?: string;
  readonly master?: string;
  readonly link_index?: number;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: {
      readonly id?: number;
      readonly port?: number;
      readonly local?: string;
      readonly link?: string;
    };
    readonly info_slave_data?: { readonly hairpin?: boolean };
  };
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
  readonly stats64?: { readonly rx: { readonly dropped: number }; readonly tx: { readonly dropped: number } };
}

export async function readLinks(exec: Exec): Promise<readonly Link[]> {
  const { stdout } = await exec.run(['ip', '-json', '-d', '-s', 'address', 'show']);
  return (JSON.parse(stdout || '[]') as readonly Partial<IpLink>[]).flatMap((link) =>
    // `ip` prints an empty object for a link that another option left out.
    link.ifname === undefined ? [] : [linkOf(link as IpLink)],
  );
}

function linkOf({ ifindex, ifname, flags, mtu, address = '', master, link_index, linkinfo, ...rest }: IpLink): Link {
  const { info_kind: kind, info_data: data, info_slave_data: port } = linkinfo ?? {};
  const { id, local, link } = data ?? {};
  return {
    index: ifindex,
    name: ifname,
    up: flags.includes('UP'),
    carrier: flags.includes('LOWER_UP'),
    mtu,
    mac: address,
    addresses: (rest.addr_info ?? []).flatMap(({ local: own }) => own ?? []),
    ranges: (rest.addr_info ?? []).flatMap(({ local: own, prefixlen }) =>
      own === undefined || prefixlen === undefined ? [] : `${own}/${prefixlen}`,
    ),
    dropped: (rest.stats64?.rx.dropped ?? 0) + (rest.stats64?.tx.dropped ?? 0),
    ...(master === undefined ? {} : { master }),
    ...(port?.hairpin === undefined ? {} : { hairpin: port.hairpin }),
    ...(link_index === undefined ? {} : { peerIndex: link_index }),
    ...(kind === undefined ? {} : { kind }),
    ...(kind === 'vxlan' && id !== undefined
      ? {
          vxlan: {
            id,
            port: data?.port ?? 4789,
            ...(local === undefined ? {} : { local }),
            ...(link === undefined ? {} : { device: link }),
          },
        }
      : {}),
  };
}
