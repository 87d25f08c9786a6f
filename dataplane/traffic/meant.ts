// Which rule is meant by a flow that was refused: the kernel counts flows and rules apart. Pure.
import type { RefusedFlow, StoppedTraffic } from '../../controlplane/base/traffic';

export class Meant {
  private readonly policiesByPod = new Map<string, readonly string[]>();
  private readonly byAddress = new Map<string, StoppedTraffic[]>();
  private readonly forAll: StoppedTraffic[] = [];

  /** @param stopped rules that have stopped packets */
  constructor(stopped: readonly StoppedTraffic[]) {
    for (const one of stopped) {
      if (one.cause === 'policy') this.addPolicy(one);
      else this.addRule(one);
    }
  }

  /** Those whose rules have stopped packets of the pod of that side. */
  policies(
    direction: 'ingress' | 'egress',
    { source, destination, backend = destination }: Pick<RefusedFlow, 'source' | 'destination' | 'backend'>,
  ): Pick<RefusedFlow, 'policies'> {
    const policies = this.policiesByPod.get(`${direction} ${direction === 'egress' ? source : backend}`);
    return policies ? { policies } : {};
  }

  /** One that names the destination; or else the only one there is that names no address. Of several that fit, none is named. */
  rule({ destination, port }: Pick<RefusedFlow, 'destination' | 'port'>): Pick<RefusedFlow, 'rule' | 'services'> {
    const fitting = (this.byAddress.get(destination) ?? this.forAll).filter(({ rule }) =>
      [undefined, port].includes(portOf(rule)),
    );
    const exact = fitting.filter(({ rule }) => portOf(rule) !== undefined);
    const [only, ...others] = exact.length > 0 ? exact : fitting;
    if (only === undefined || others.length > 0) return {};
    const { rule, objects } = only;
    return { rule, ...(objects.length === 1 ? { services: objects } : {}) };
  }

  private addPolicy({ direction, pods, objects }: StoppedTraffic): void {
    if (direction === undefined || objects.length === 0) return;
    for (const pod of pods) this.policiesByPod.set(`${direction} ${pod}`, objects);
  }

  private addRule(stopped: StoppedTraffic): void {
    const address = destinationOf(stopped.rule);
    if (address === undefined) this.forAll.push(stopped);
    else this.byAddress.set(address, [...(this.byAddress.get(address) ?? []), stopped]);
  }
}

/** `-d 10.96.0.9/32` of iptables, `ip daddr 10.96.0.9` of nft. Undefined also for a range: it may mean more than one. */
const destinationOf = (rule: string): string | undefined => {
  const [, address, length] = /(?: -d |ip6? daddr )([0-9a-f:.]+)(?:\/(\d+))?(?: |$)/.exec(rule) ?? [];
  const isWhole = length === undefined || length === (address?.includes(':') ? '128' : '32');
  return isWhole ? address : undefined;
};

/** `--dport 80` of iptables, `dport 80` of nft. Undefined for a set or a range. */
function portOf(rule: string): number | undefined {
  const port = / (?:--)?dport (\d+)(?= |$)/.exec(rule)?.[1];
  return port === undefined ? undefined : Number(port);
}
