// kube-proxy's loop at work on the node of a lab, fed by any API, without the process around it.
import { networkInterfaces } from 'node:os';
import { FamilyProxy } from '../../agents/kube-proxy/family-proxy';
import { HealthPorts } from '../../agents/kube-proxy/health-ports';
import { Metrics } from '../../agents/kube-proxy/metrics';
import { Proxier, sliceIndex } from '../../agents/kube-proxy/proxier';
import { openRules } from '../../agents/kube-proxy/rules';
import { serviceKeyOfSlice } from '../../agents/kube-proxy/translate';
import { type EndpointSlice, endpointSlices, nodes, pods, services } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger as log } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import type { Drift } from '../../dataplane/netfilter/writer';
import type { ServiceLab } from './service-lab';

export interface RunningProxy {
  readonly proxier: Proxier;
  readonly metrics: Metrics;
  /** Changes by others that were found. */
  readonly drifts: readonly Drift[];
  /** Resolves when the next one is found. */
  drift(): Promise<void>;
  /** Ends it as a signal would: the rules stay. */
  end(): Promise<void>;
}

export interface RunningProxyOptions {
  readonly nodeName: string;
  readonly serviceCidr?: string;
  readonly nodePortAddresses?: readonly string[];
}

/** Ends with the lab at the latest. */
export async function runProxy(lab: ServiceLab, client: Client, options: RunningProxyOptions): Promise<RunningProxy> {
  const { nodeName, serviceCidr, nodePortAddresses = [] } = options;
  const stop = new AbortController();
  const indexes = { [sliceIndex]: (slice: EndpointSlice) => [serviceKeyOfSlice(slice)] };
  const informers = {
    services: createInformer(client, services, { log }),
    slices: createInformer(client, endpointSlices, { log, indexes }),
    nodes: createInformer(client, nodes, { log, params: { fieldSelector: `metadata.name=${nodeName}` } }),
    pods: createInformer(client, pods, { log, params: { fieldSelector: `spec.nodeName=${nodeName}` } }),
  };
  const facts = { clusterCidr: '10.244.0.0/16', ...(serviceCidr === undefined ? {} : { serviceCidrs: [serviceCidr] }) };
  const mode = lab.mode === 'nftables' ? 'nftables' : 'iptables';
  const nodeAddresses = () => lab.at.node.enter(addressesHere);
  const family = new FamilyProxy({
    family: 4,
    facts,
    rules: await openRules({ mode, exec: lab.exec, family: 4, facts, log }),
    cleaner: new FlowCleaner({ exec: lab.exec, family: 4, nodeAddresses, ...facts }),
    nodePortAddresses,
    log,
  });
  const metrics = new Metrics();
  const drifts: Drift[] = [];
  let found = Promise.withResolvers<void>();
  const healthPorts = new HealthPorts(log);
  const update: HealthPorts['update'] = (checks) => lab.at.node.enter(() => healthPorts.update(checks));
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
  const running = [...Object.values(informers), proxier].map((part) => part.run(stop.signal));
  const end = async () => {
    stop.abort(new Error('the proxy ends'));
    await Promise.allSettled(running);
    healthPorts.close();
  };
  lab.defer(end);
  return { proxier, metrics, drifts, drift: () => found.promise, end };
}

const addressesHere = (): Set<string> =>
  new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  );
