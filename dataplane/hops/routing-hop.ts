// The hop at which the node decides where a packet goes, with what the kernel's answer alone does not say: why it refuses what came in.
import type { Hop, HopFault } from '../../controlplane/base/hops';
import type { Packet } from '../path/packet';
import { askRoute, type Flow, type RouteDecision, reversePathFilter, routeHop } from './routes';
import { forwardsFrom, sysctlName } from './settings';
import type { NodeView } from './view';

export const routeOf = (
  { exec }: Pick<NodeView, 'exec'>,
  { source, inInterface }: Packet,
  { destination, mark, flow }: { readonly destination: string; readonly mark: number; readonly flow?: Flow },
): Promise<RouteDecision> =>
  askRoute(exec, {
    ...{ destination, mark },
    ...(inInterface === undefined ? {} : { from: { source, inInterface } }),
    ...(flow ? { flow } : {}),
  });

export async function routingHop(
  decision: RouteDecision,
  { source, inInterface }: Pick<Packet, 'source' | 'inInterface'>,
  destination: string,
  view: NodeView,
): Promise<Hop> {
  const hop = routeHop(decision, destination, `node ${view.nodeName}`);
  if (decision.kind === 'none') {
    const gone = routesGone(destination, view);
    return gone ? { ...hop, fault: gone } : hop;
  }
  if (inInterface === undefined) return hop;
  // Without forwarding the kernel says that no way leads there.
  const leaves = decision.kind === 'route' ? !decision.local : !view.network.localAddresses.has(destination);
  const fault =
    (leaves ? await forwardingOff(destination, inInterface, view) : undefined) ??
    (decision.kind === 'invalid' ? await sourceRefused({ source, destination, inInterface }, view) : undefined);
  if (fault) return { ...hop, state: 'stops', fault };
  if (hop.fault === undefined) return hop;
  // The table for packets that come in may be another one.
  const remedy = `on node ${view.nodeName}: ip rule; ip route get ${destination} from ${source} iif ${inInterface}`;
  return { ...hop, fault: { ...hop.fault, remedy } };
}

/** The kernel removes the routes over a link that is set down. Undefined: no such link explains it. */
export function routesGone(
  destination: string,
  { links, nodeName }: Pick<NodeView, 'links' | 'nodeName'>,
): HopFault | undefined {
  // Addresses of IPv4 stay; a link without any leads nowhere when it is up.
  const down = links.find(({ up, addresses }) => !up && addresses.length > 0);
  if (down === undefined) return undefined;
  const message = `${down.name} is down, and the routes over it are gone with it: node ${nodeName} has no route to ${destination}`;
  const remedy = `ip link set ${down.name} up; then restart the kubelet, or add the routes that it had`;
  return { code: 'LinkDown', message, remedy };
}

async function forwardingOff(
  destination: string,
  inInterface: string,
  { nodeName, settings }: NodeView,
): Promise<HopFault | undefined> {
  const family = destination.includes(':') ? 6 : 4;
  const setting = settings.forwarding[family]
    ? // IPv6 looks at the setting of all links only.
      family === 4 && !(await forwardsFrom(inInterface))
      ? sysctlName('ipv4', inInterface, 'forwarding')
      : undefined
    : family === 4
      ? 'net.ipv4.ip_forward'
      : 'net.ipv6.conf.all.forwarding';
  if (setting === undefined) return undefined;
  const message = `node ${nodeName} does not forward packets: ${setting} is 0`;
  return { code: 'ForwardingOff', message, remedy: `sysctl -w ${setting}=1` };
}

/** Why the kernel does not take this source from this link; undefined: it is not the source. IPv6 has no such check. */
async function sourceRefused(
  { source, destination, inInterface }: Record<'source' | 'destination' | 'inInterface', string>,
  { exec, nodeName, network }: NodeView,
): Promise<HopFault | undefined> {
  if (source.includes(':')) return undefined;
  if (network.localAddresses.has(source)) {
    const message = `node ${nodeName} gets a packet from ${source} by ${inInterface}, but has this address itself: two machines have one address`;
    return { code: 'DuplicateAddress', message, remedy: `ip address show to ${source}` };
  }
  // A route that drops gives the same error, and the kernel looks for it first.
  if ((await askRoute(exec, { destination })).kind === 'invalid') return undefined;
  const filter = await reversePathFilter(inInterface);
  const back = await askRoute(exec, { destination: source });
  const by = back.kind === 'route' ? back.device : undefined;
  const drops = `node ${nodeName} drops what comes from ${source} by ${inInterface}`;
  if (filter === 1 && by !== inInterface) {
    const message = `${drops}: its way back is by ${by ?? 'no link'}, and rp_filter is strict`;
    const both = [sysctlName('ipv4', inInterface, 'rp_filter'), 'net.ipv4.conf.all.rp_filter'];
    return { code: 'ReversePathFilter', message, remedy: `sysctl -w ${both.map((name) => `${name}=2`).join(' ')}` };
  }
  if (filter === 2 && by === undefined) {
    const message = `${drops}: no way leads back to it, and rp_filter is loose, which asks for one`;
    return { code: 'ReversePathFilter', message, remedy: `give the node a route to ${source}` };
  }
  return undefined;
}
