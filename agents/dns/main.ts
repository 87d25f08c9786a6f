// `k8ts dns`: one per node. It answers the pods of its node at the cluster's DNS address. While the API server cannot be reached, it
// answers from the last state, also that of the last process.
import {
  endpointSlices,
  type KindRef,
  type KubeObject,
  namespaces,
  nodes,
  pods,
  services,
} from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import type { Logger } from '../../controlplane/base/logger';
import { connect } from '../../controlplane/client/connect';
import { createInformer } from '../../controlplane/client/informer';
import { keptIn } from '../../controlplane/client/kept-copy';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { Forwarder } from '../../dataplane/dns/forwarder';
import { rcodeName } from '../../dataplane/dns/message';
import { DnsMetrics } from '../../dataplane/dns/metrics';
import { readHostResolvConf } from '../../dataplane/dns/resolv-conf';
import { Responder } from '../../dataplane/dns/responder';
import { listenDns } from '../../dataplane/dns/server';
import { formatUpstream, type UpstreamAddress } from '../../dataplane/dns/upstream';
import { Zone } from '../../dataplane/dns/zone';
import { ownAddresses } from '../../dataplane/link/own-addresses';
import { runAnnouncer } from './announcer';
import { options, parseResolvConf } from './options';
import { recursionFor } from './recursion';
import { dnsNamespace, dnsServiceName } from './translate';
import { feedZone } from './zone-feeder';

export const command = defineCommand({
  name: 'dns',
  summary: "answer the cluster's names, and ask others for the rest",
  options,
  async run({ options, log, signal }) {
    const client = await connect(options.kubeconfig, { userAgent: 'k8ts-dns' });
    const { nodeName, nodeIp } = options;
    const kept = <T extends KubeObject>(kind: KindRef<T>) => ({ log, ...keptIn<T>(options.stateDir, kind, log) });
    const informers = {
      services: createInformer(client, services, kept(services)),
      slices: createInformer(client, endpointSlices, kept(endpointSlices)),
      pods: createInformer(client, pods, kept(pods)),
      namespaces: createInformer(client, namespaces, kept(namespaces)),
      nodes: createInformer(client, nodes, {
        ...kept(nodes),
        params: { fieldSelector: `metadata.name=${nodeName}` },
      }),
    };
    const dnsAddresses = () => informers.services.get(`${dnsNamespace}/${dnsServiceName}`)?.spec?.clusterIPs ?? [];
    const zone = new Zone(options.clusterDomain);
    const metrics = new DnsMetrics();
    const upstreams =
      options.upstream.length > 0 ? options.upstream : await readUpstreams(options.resolvConf, nodeIp, log);
    const forwarder = new Forwarder({
      upstreams,
      clock: systemClock,
      log,
      onExchange: (server, rcode) => metrics.forwarded(server, rcode === undefined ? undefined : rcodeName(rcode)),
    });
    const facts = () => ({ serverAddresses: dnsAddresses() });
    const allows = recursionFor({
      ranges: options.allowRecursion,
      podRanges: () => (informers.nodes.hasSynced ? (informers.nodes.get(nodeName)?.spec?.podCIDRs ?? []) : undefined),
      ownAddresses: ownAddresses(),
    });
    const responder = new Responder({ zone, facts, forwarder, metrics, log, mayRecurse: allows });
    // The server accepts queries at once. They wait for the zone, and get SERVFAIL if that takes long: otherwise a client would
    // take an unknown name for a missing one.
    const server = await listenDns({ host: nodeIp, port: options.port }, responder, log);
    log.info('listening', { address: nodeIp, port: server.port, upstreams: upstreams.map(formatUpstream).join(',') });
    try {
      const check = () => (zone.synced ? undefined : 'waiting for the first lists from the API server');
      const health = {
        host: options.healthzAddress,
        port: options.healthzPort,
        check,
        metrics: () => metrics.render(),
      };
      await serveHealth(health, signal);
      const running = Object.values(informers).map((informer) => informer.run(signal));
      const serving = feedZone(zone, informers, signal).then(() => {
        log.info('the zone is complete', { zone: options.clusterDomain });
        return runAnnouncer({ client, ...informers, log, nodeName, address: nodeIp, port: server.port }, signal);
      });
      await Promise.all([...running, serving]);
    } finally {
      await server.close();
    }
  },
});

async function readUpstreams(path: string, nodeIp: string, log: Logger): Promise<UpstreamAddress[]> {
  const upstreams = parseResolvConf(await readHostResolvConf(path), [nodeIp]);
  if (upstreams.length === 0) log.warn('no upstream servers: names outside the zone are refused', { file: path });
  return upstreams;
}
