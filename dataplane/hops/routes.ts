// The kernel's own routing decision for a packet (`ip route get`): with rules of policy routing, and the check of the sender's address
// (rp_filter), neither of which can be seen in the main table. Reads only.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandFailed } from '../../controlplane/base/errors';
import type { Hop, HopFault } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';

export type RouteDecision =
  | {
      readonly kind: 'route';
      readonly device: string;
      readonly gateway?: string;
      /** True: the destination is an address of this namespace. */
      readonly local: boolean;
      /** The source that the kernel gives to a packet of its own. */
      readonly source?: string;
    }
  /** No route; a route that refuses or drops; or the kernel does not accept this source on this interface. */
  | { readonly kind: 'none' | 'refused' | 'prohibited' | 'invalid' };

export interface RouteQuestion {
  readonly destination: string;
  /** With the interface by which the packet came in; absent: a packet of this namespace. */
  readonly from?: { readonly source: string; readonly inInterface: string };
  /** Of a packet of this namespace whose source is given. */
  readonly source?: string;
  readonly mark?: number;
  /** For rules of policy routing that look at ports. */
  readonly flow?: Flow;
}

export interface Flow {
  readonly protocol: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** ip(8) knows these by name; it refuses others. */
const flowProtocols: ReadonlySet<string> = new Set(['tcp', 'udp']);

/** Whether a rule of policy routing looks at protocol or ports: most namespaces have none, and one question less. */
export async function hasPortRules(exec: Exec): Promise<boolean> {
  const outputs = await Promise.all(['-4', '-6'].map((family) => exec.run(['ip', family, 'rule', 'show'])));
  return outputs.some(({ stdout }) => /\b(?:ipproto|sport|dport)\b/.test(stdout));
}

/** Errors of rtnetlink by their text. Source: linux/Documentation/networking/ip-sysctl.rst; ip-route(8), types of routes. */
const refusals: readonly (readonly [RegExp, 'none' | 'refused' | 'prohibited' | 'invalid'])[] = [
  [/Network is unreachable/, 'none'],
  [/No route to host/, 'refused'],
  [/Permission denied/, 'prohibited'],
  [/Invalid argument|Invalid cross-device link/, 'invalid'],
];

export async function askRoute(
  exec: Exec,
  { destination, from, source, mark = 0, flow }: RouteQuestion,
): Promise<RouteDecision> {
  const argv = [
    'ip',
    '-json',
    'route',
    'get',
    destination,
    ...(from ? ['from', from.source, 'iif', from.inInterface] : []),
    ...(source === undefined ? [] : ['from', source]),
    ...(mark === 0 ? [] : ['mark', `${mark}`]),
    ...(flow && flowProtocols.has(flow.protocol) ? ['ipproto', flow.protocol, ...ports(flow)] : []),
  ];
  try {
    const [found] = JSON.parse((await exec.run(argv)).stdout) as readonly {
      readonly dev: string;
      readonly gateway?: string;
      readonly via?: { readonly host: string };
      readonly type?: string;
      readonly prefsrc?: string;
    }[];
    const { dev, gateway = found?.via?.host, type, prefsrc } = found!;
    if (type === 'unreachable') return { kind: 'refused' };
    if (type === 'prohibit') return { kind: 'prohibited' };
    if (type === 'blackhole') return { kind: 'invalid' };
    return {
      kind: 'route',
      device: dev,
      local: type === 'local',
      ...(gateway === undefined ? {} : { gateway }),
      ...(prefsrc === undefined ? {} : { source: prefsrc }),
    };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const kind = refusals.find(([pattern]) => pattern.test(error.message))?.[1];
    if (kind === undefined) throw error;
    return { kind };
  }
}

const ports = ({ sourcePort, destinationPort }: Flow): readonly string[] => [
  ...(sourcePort === undefined ? [] : ['sport', `${sourcePort}`]),
  ...(destinationPort === undefined ? [] : ['dport', `${destinationPort}`]),
];

/** The check of the sender's address on a link: 0 none, 1 strict, 2 loose. The kernel takes the larger of the link's and that of all. */
export async function reversePathFilter(link: string, root = '/proc/sys/net/ipv4/conf'): Promise<number> {
  const values = await Promise.all(
    ['all', link].map(async (name) => Number(await readFile(join(root, name, 'rp_filter'), 'utf8').catch(() => '0'))),
  );
  return Math.max(...values);
}

const routeFaults: Readonly<Record<Exclude<RouteDecision['kind'], 'route'>, string>> = {
  none: 'has no route to it',
  refused: 'has a route that refuses it (unreachable)',
  prohibited: 'has a route that prohibits it',
  invalid: 'has a route that drops it (blackhole), or does not accept the source on this interface',
};

/** @param who `node worker-1`, `pod shop/web-0` */
export function routeHop(decision: RouteDecision, destination: string, who: string): Hop {
  if (decision.kind === 'route') {
    const { device, gateway, local } = decision;
    const by = gateway === undefined ? `by ${device}` : `via ${gateway} by ${device}`;
    const fact = local ? `${destination} is an address of ${who}` : `${destination} is reached ${by}`;
    return { kind: 'routing', name: 'routing', state: 'passes', facts: [fact] };
  }
  const fault: HopFault = {
    code: 'NoRoute',
    message: `${who} ${routeFaults[decision.kind]}: ${destination}`,
    remedy: `ip route get ${destination}, in the network namespace of ${who}, shows it`,
  };
  return { kind: 'routing', name: 'routing', state: 'stops', facts: [], fault };
}
