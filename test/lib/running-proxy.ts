// Runs kube-proxy's loop on a node of a lab with any API, composed as in the agent, but in this process.
import { networkInterfaces } from 'node:os';
import { FamilyProxy } from '../../agents/kube-proxy/family-proxy';
import { HealthPorts } from '../../agents/kube-proxy/health-ports';
import { type Informers, openInformers } from '../../agents/kube-proxy/informers';
import { Metrics } from '../../agents/kube-proxy/metrics';
import type { Programming } from '../../agents/kube-proxy/programming';
import { Proxier } from '../../agents/kube-proxy/proxier';
import { openRules } from '../../agents/kube-proxy/rules';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger as log } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import type { Exec } from '../../dataplane/exec/exec';
import type { Drift } from '../../dataplane/netfilter/writer';
import type { Netns } from '../../dataplane/netns/netns';
import { Generations } from '../../dataplane/nftables/generations';
import type { ProxyMode } from '../../dataplane/service/mode';
import type { ServiceLab } from './service-lab';

/** The node's object, with the fields that kube-proxy reads. */
export interface ProxyHost {
  readonly netns: Netns;
  readonly exec: Exec;
  readonly mode: ProxyMode;
  defer(undo: () => Promise<void> | void): void;
}

export interface RunningProxy {
  readonly proxier: Proxier;
  readonly metrics: Metrics;
  /** The foreign changes of the rules that were found. */
  readonly drifts: readonly Drift[];
  /** Resolves when the next foreign change is found. */
  drift(): Promise<void>;
  /** Ends the loop as a signal would: the rules stay. */
  end(): Promise<void>;
}

export interface RunningProxyOptions {
  readonly nodeName: string;
  readonly serviceCidr?: string;
  readonly nodePortAddresses?: readonly string[];
  /** Receives each write of rules. */
  readonly programming?: (informers: Informers) => Programming;
}

export const runProxy = (lab: ServiceLab, client: Client, options: RunningProxyOptions): Promise<RunningProxy> =>
  runProxyOn(
    {
      netns: lab.at.node,
      exec: lab.exec,
      mode: lab.mode === 'nftables' ? 'nftables' : 'iptables',
      defer: (undo) => lab.defer(undo),
    },
    client,
    options,
  );

/** Ends at the latest when the lab ends. */
export async function runProxyOn(host: ProxyHost, client: Client, options: RunningProxyOptions): Promise<RunningProxy> {
  const { netns, exec, mode } = host;
  const { nodeName, serviceCidr, nodePortAddresses = [] } = options;
  const stop = new AbortController();
  const informers = openInformers(client, nodeName, log);
  const facts = { clusterCidr: '10.244.0.0/16', ...(serviceCidr === undefined ? {} : { serviceCidrs: [serviceCidr] }) };
  const nodeAddresses = () => netns.enter(addressesHere);
  const generations = new Generations(netns);
  host.defer(() => generations.close());
  const family = new FamilyProxy({
    family: 4,
    facts,
    rules: await openRules({ mode, exec, family: 4, facts, log, generations }),
    cleaner: new FlowCleaner({ exec, family: 4, nodeAddresses, ...facts }),
    nodePortAddresses,
    log,
  });
  const metrics = new Metrics();
  const drifts: Drift[] = [];
  let found = Promise.withResolvers<void>();
  const healthPorts = new HealthPorts(log);
  const update: HealthPorts['update'] = (checks) => netns.enter(() => healthPorts.update(checks));
  const proxier = new Proxier({
    nodeName,
    families: [family],
    ...informers,
    healthPorts: Object.assign(Object.create(healthPorts) as HealthPorts, { update }),
    metrics,
    clock: systemClock,
    log,
    onDrift: (drift) => {
      drifts.push(drift);
      found.resolve();
      found = Promise.withResolvers();
    },
  });
  if (options.programming) proxier.reportTo(options.programming(informers));
  const running = [...Object.values(informers), proxier].map((part) => part.run(stop.signal));
  const end = async () => {
    stop.abort(new Error('the proxy ends'));
    await Promise.allSettled(running);
    healthPorts.close();
  };
  host.defer(end);
  return { proxier, metrics, drifts, drift: () => found.promise, end };
}

const addressesHere = (): Set<string> =>
  new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  );
