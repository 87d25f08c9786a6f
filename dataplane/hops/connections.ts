// The kernel's table of connections. Pure.
import type { Hop } from '../../controlplane/base/hops';
import type { NetSettings } from './settings';

/** A new connection needs an entry in the table. Undefined: there is room. */
export function connectionsFull({ connections }: NetSettings, nodeName: string): Hop | undefined {
  if (connections === undefined || connections.used < connections.max) return undefined;
  const { used, max } = connections;
  return {
    kind: 'hook',
    name: 'connection tracking',
    state: 'stops',
    facts: [`${used} of ${max} entries are in use`],
    fault: {
      code: 'ConntrackFull',
      message: `node ${nodeName} tracks ${used} connections and may track ${max}: it drops new ones`,
      remedy: `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(max * 2, 65_536)}; conntrack -L shows whose they are`,
    },
  };
}
