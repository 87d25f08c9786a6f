// `k8ts kube-proxy`: one per node, in the node's network namespace. Makes Services reachable by writing netfilter rules. When
// it ends, the rules stay: connections, old and new, do not need this process.
import { availableParallelism, networkInterfaces } from 'node:os';
import { endpointSlices, nodes, pods, services } from '../../controlplane/api';
import { type Family, parseCidr } from '../../controlplane/base/cidr';
import { systemClock } from '../../controlplane/base/clock';
import { BadRequest } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { connect } from '../../controlplane/client/connect';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import { createInformer } from '../../controlplane/client/informer';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import { type ConntrackWishes, planSettings, raiseSettings } from '../../dataplane/conntrack/settings';
import { SystemExec } from '../../dataplane/exec/system-exec';
import type { Drift } from '../../dataplane/netfilter/writer';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { Generations } from '../../dataplane/nftables/generations';
import type { ProxyMode } from '../../dataplane/service/mode';
import { Announcer } from './announcer/announcer';
import { cleanup } from './cleanup';
import { FamilyProxy } from './family-proxy';
import { HealthPorts } from './health-ports';
import { hostPortParts } from './host-ports';
import { Metrics } from './metrics';
import { type Options, options } from './options';
import { openPolicies } from './policy/open';
import { Programming } from './programming';
import { Proxier, sliceIndex } from './proxier';
import { Receipts } from './receipts';
import { openRules } from './rules';
import { serviceKeyOfSlice } from './translate';

export const command = defineCommand({
  name: 'kube-proxy',
  summary: 'make Services reachable from this node by netfilter rules',
  options,
  async run({ options, log, signal }) {
    const exec = new SystemExec();
    if (options.cleanup) return cleanup(exec, log);
    for (const name of ['kubeconfig', 'nodeName'] as const) {
      if (options[name] === '') throw new BadRequest(`--${name === 'nodeName' ? 'node-name' : name} is required`);
    }
    raiseSettings(ownNetns(), planSettings(conntrackWishes(options), availableParallelism()), log);
    const client = await connect(options.kubeconfig);
    const generations = new Generations(ownNetns());
    const familyOptions = { ...options, generations };
    const families = await Promise.all(options.clusterCidr.map((cidr) => openFamily(exec, cidr, familyOptions, log)));
    const informers = {
      services: createInformer(client, services, { log }),
      slices: createInformer(client, endpointSlices, {
        log,
        indexes: { [sliceIndex]: (slice) => [serviceKeyOfSlice(slice)] },
      }),
      nodes: createInformer(client, nodes, { log, params: { fieldSelector: `metadata.name=${options.nodeName}` } }),
      pods: createInformer(client, pods, {
        log,
        params: { fieldSelector: `spec.nodeName=${options.nodeName}` },
        keep: hostPortParts,
      }),
    };
    const recorder = createEventRecorder({ client, component: 'kube-proxy', host: options.nodeName, log });
    const tell = (reason: string, message: string) => {
      const node = informers.nodes.get(options.nodeName);
      if (node) recorder.record({ apiVersion: 'v1', kind: 'Node', ...node }, 'Warning', reason, message);
    };
    const tellService = (key: string, type: 'Normal' | 'Warning', reason: string, message: string) => {
      const service = informers.services.get(key);
      if (service) recorder.record(service, type, reason, message);
    };
    const metrics = new Metrics();
    const healthPorts = new HealthPorts(log);
    const allNodes = createInformer(client, nodes, { log });
    const receipts = new Receipts({ client, nodeName: options.nodeName, ...informers, clock: systemClock, log });
    const announcer = new Announcer({
      nodeName: options.nodeName,
      netns: ownNetns(),
      nodes: allNodes,
      clock: systemClock,
      log: log.child('announcer'),
      able: () => proxier.problem() === undefined,
      onAnnounce: (key, address, link) =>
        tellService(key, 'Normal', 'nodeAssigned', `announcing ${address} from node "${options.nodeName}" on ${link}`),
      onConflict: (key, address, mac) =>
        tellService(
          key,
          'Warning',
          'AddressConflict',
          `${address} is also answered for by ${mac}, which is no node of this cluster`,
        ),
    });
    const proxier: Proxier = new Proxier({
      nodeName: options.nodeName,
      families,
      ...informers,
      healthPorts,
      metrics,
      clock: systemClock,
      log,
      programming: new Programming({ ...informers, announcer, receipts }),
      onDrift: (drift) => tell('RulesRestored', describeDrift(drift, 'Services')),
    });
    const policies = openPolicies({
      client,
      nodeName: options.nodeName,
      families: families.map(({ family }) => family),
      ...informers,
      exec,
      generations,
      log: log.child('policies'),
      onDrift: (drift) => tell('RulesRestored', describeDrift(drift, 'NetworkPolicies')),
      onFailure: (message) =>
        tell('PoliciesNotEnforced', `NetworkPolicies are not up to date on this node: ${message}`),
    });
    const check = () => proxier.problem() ?? policies.problem();
    await serveHealth({ host: options.bindAddress, port: options.healthzPort, check }, signal);
    const render = () => {
      for (const family of families) for (const [table, n] of family.ruleCounts) metrics.rules.set(table, n);
      return metrics.render() + policies.metrics.render();
    };
    await serveHealth({ host: '127.0.0.1', port: options.metricsPort, check, metrics: render }, signal);
    try {
      const announcing = options.announceLoadBalancers ? [allNodes, announcer] : [];
      const parts = [...Object.values(informers), proxier, policies, receipts, ...announcing];
      await Promise.all(parts.map((part) => part.run(signal)));
    } finally {
      healthPorts.close();
    }
  },
});

const conntrackWishes = (options: Options): ConntrackWishes => ({
  maxPerCore: options.conntrackMaxPerCore,
  min: options.conntrackMin,
  establishedSeconds: options.conntrackEstablished / 1000,
  closeWaitSeconds: options.conntrackCloseWait / 1000,
  udpSeconds: options.conntrackUdp / 1000,
  udpStreamSeconds: options.conntrackUdpStream / 1000,
  beLiberal: options.conntrackBeLiberal,
});

interface FamilyOptions {
  readonly proxyMode: ProxyMode;
  readonly generations: Generations;
  readonly serviceCidr: readonly string[];
  readonly nodePortAddresses: readonly string[];
}

async function openFamily(
  exec: SystemExec,
  clusterCidr: string,
  { proxyMode: mode, serviceCidr, nodePortAddresses, generations }: FamilyOptions,
  log: Logger,
): Promise<FamilyProxy> {
  const { family } = parseCidr(clusterCidr);
  const ofFamily = (range: string) => range === 'primary' || parseCidr(range).family === family;
  const facts = { clusterCidr, serviceCidrs: serviceCidr.filter(ofFamily) };
  return new FamilyProxy({
    family,
    facts,
    rules: await openRules({ mode, exec, family, facts, log, generations }),
    cleaner: new FlowCleaner({ exec, family, nodeAddresses: () => nodeAddresses(family), clusterCidr }),
    nodePortAddresses: nodePortAddresses.filter(ofFamily),
    log,
  });
}

function nodeAddresses(family: Family): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.filter((one) => one.family === `IPv${family}`).map((one) => one.address));
}

/** One line that names what was missing; the first few of many. */
function describeDrift(drift: Drift, of: string): string {
  const named = drift.slice(0, 8).map(({ table, chain, kind }) => `${table}/${chain} (${kind})`);
  const more = drift.length > named.length ? ` and ${drift.length - named.length} more` : '';
  return `Somebody else removed or changed netfilter rules of ${of}, they are written again: ${named.join(', ')}${more}`;
}
