// The network of this node's pods: wires, the check of what pods send, and routes, which start when the node has its pod range.
import type { Node } from '../../../controlplane/api';
import { systemClock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Informer } from '../../../controlplane/client/informer';
import type { Exec } from '../../../dataplane/exec/exec';
import { ownNetns } from '../../../dataplane/netns/system-netns';
import { Generations } from '../../../dataplane/nftables/generations';
import { NftProgram } from '../../../dataplane/nftables/nft';
import { vxlanPort } from '../../../dataplane/overlay/vxlan';
import { SourceFilter } from '../../../dataplane/pod-sources/filter';
import type { Options } from '../options';
import type { NodeEvent, Part } from '../part';
import { NetlinkPodNetwork } from './netlink-pod-network';
import { NodeRoutes } from './node-routes';
import type { PodNetwork } from './pod-network';
import { PodSources } from './pod-sources';

interface OpenNetworkDeps {
  readonly options: Pick<Options, 'nodeName' | 'overlay' | 'checkPodSources'>;
  readonly nodeIp: string;
  readonly exec: Exec;
  readonly log: Logger;
  readonly report: NodeEvent;
}

export interface NetworkPart extends Part {
  readonly network: PodNetwork;
  /** Keeps the routes to the pods of other nodes, until the signal is aborted. */
  readonly runRoutes: (nodes: Informer<Node>, signal: AbortSignal) => Promise<void>;
}

export function openNetwork({ options, nodeIp, exec, log, report }: OpenNetworkDeps): NetworkPart {
  const { nodeName, overlay } = options;
  const generations = new Generations(ownNetns());
  const sources = new PodSources({
    filter: new SourceFilter(new NftProgram(exec, generations), {
      generations,
      ...(overlay === 'host-gw' ? {} : { tunnelPort: vxlanPort }),
    }),
    enabled: options.checkPodSources,
    clock: systemClock,
    log: log.child('sources'),
    report: (reason, message) => report('Warning', reason, message),
  });
  return {
    network: new NetlinkPodNetwork({ log: log.child('network'), nodeIp, overlay, sources }),
    runRoutes: (nodes, until) =>
      new NodeRoutes({ nodes, nodeName, mode: overlay, log: log.child('routes') }).run(until),
    run: (signal) => sources.run(signal),
  };
}
