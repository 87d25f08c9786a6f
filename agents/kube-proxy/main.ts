// `k8ts kube-proxy`: one per node, in the node's network namespace. Makes Services reachable by writing netfilter rules. When
// it ends, the rules stay: connections, old and new, do not need this process.
import { availableParallelism } from 'node:os';
import { parseCidr } from '../../controlplane/base/cidr';
import { systemClock } from '../../controlplane/base/clock';
import { BadRequest } from '../../controlplane/base/errors';
import { connect } from '../../controlplane/client/connect';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { type DesiredConntrack, planSettings, raiseSettings } from '../../dataplane/conntrack/settings';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { Generations } from '../../dataplane/nftables/generations';
import { desiredLines, stateLines } from '../../dataplane/rules-diff/document';
import { openAnnouncer } from './announcer/open';
import { cleanup } from './cleanup';
import { Events } from './events';
import { healthReports } from './health-report';
import { openInformers } from './informers';
import { inputsOf } from './inputs';
import { openServices } from './open';
import { type Options, options } from './options';
import type { Part } from './part';
import { openPolicies } from './policy/open';
import { Programming } from './programming';
import { Receipts } from './receipts';

export const command = defineCommand({
  name: 'kube-proxy',
  summary: 'make Services reachable from this node by netfilter rules',
  options,
  async run({ options, log, signal }) {
    const exec = new SystemExec();
    if (options.cleanup) return cleanup(exec, log);
    const { kubeconfig, nodeName, clusterCidr, bindAddress, healthzPort, metricsPort } = options;
    if (kubeconfig === '') throw new BadRequest('--kubeconfig is required');
    if (nodeName === '') throw new BadRequest('--node-name is required');
    raiseSettings(ownNetns(), planSettings(desiredConntrack(options), availableParallelism()), log);
    const client = await connect(kubeconfig, { userAgent: 'kube-proxy' });
    const generations = new Generations(ownNetns());
    const informers = openInformers(client, nodeName, log);
    const events = new Events({ client, nodeName, ...informers, log });
    const services = await openServices({
      ...informers,
      options,
      exec,
      generations,
      log,
      onDrift: (drift) => events.rulesRestored('Services', drift),
    });
    const policies = openPolicies({
      ...informers,
      client,
      nodeName,
      families: clusterCidr.map((range) => parseCidr(range).family),
      exec,
      generations,
      log: log.child('policies'),
      onDrift: (drift) => events.rulesRestored('NetworkPolicies', drift),
      onFailure: (message) =>
        events.aboutNode('PoliciesNotEnforced', `NetworkPolicies are not up to date on this node: ${message}`),
    });
    const receipts = new Receipts({ ...informers, client, nodeName, clock: systemClock, log });
    const able = () => services.problem() === undefined;
    const announcers = options.announceLoadBalancers
      ? [openAnnouncer({ client, nodeName, events, able, log: log.child('announcer') })]
      : [];
    services.reportTo(new Programming({ ...informers, announcers, receipts }));
    const parts: readonly Part[] = [...Object.values(informers), services, policies, receipts, ...announcers];
    const check = () => parts.map((part) => part.problem?.()).find((problem) => problem !== undefined);
    const metrics = () => parts.map((part) => part.renderMetrics?.() ?? '').join('');
    const report = healthReports(systemClock);
    const texts = { '/proxyMode': options.proxyMode };
    const desired = () => parts.flatMap((part) => part.desired?.() ?? []);
    const inputs = inputsOf(options.proxyMode, services, policies);
    const streams = {
      '/rules': () => desiredLines(desired),
      '/rules/state': () => stateLines(desired),
      '/rules/inputs': () => inputs(false),
      '/rules/inputs/peers': () => inputs(true),
    };
    await serveHealth({ host: bindAddress, port: healthzPort, check, report }, signal);
    await serveHealth({ host: '127.0.0.1', port: metricsPort, check, metrics, texts, streams }, signal);
    await Promise.all(parts.map((part) => part.run(signal)));
  },
});

const desiredConntrack = (options: Options): DesiredConntrack => ({
  maxPerCore: options.conntrackMaxPerCore,
  min: options.conntrackMin,
  establishedSeconds: options.conntrackEstablished / 1000,
  closeWaitSeconds: options.conntrackCloseWait / 1000,
  udpSeconds: options.conntrackUdp / 1000,
  udpStreamSeconds: options.conntrackUdpStream / 1000,
  beLiberal: options.conntrackBeLiberal,
});
