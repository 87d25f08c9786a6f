// The rules of Services with all their parts, as the agent runs them.
import { networkInterfaces } from 'node:os';
import { parseCidr } from '../../controlplane/base/cidr';
import { systemClock } from '../../controlplane/base/clock';
import type { Logger } from '../../controlplane/base/logger';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import type { Exec } from '../../dataplane/exec/exec';
import type { Family } from '../../dataplane/netfilter/model';
import type { Generations } from '../../dataplane/nftables/generations';
import type { DesiredPart, WriteState } from '../../dataplane/rules-diff/document';
import type { ProxyMode } from '../../dataplane/service/mode';
import { FamilyProxy } from './family-proxy';
import { HealthPorts } from './health-ports';
import { Metrics } from './metrics';
import type { Options } from './options';
import type { Part } from './part';
import { Proxier, type ProxierDeps } from './proxier';
import { openRules } from './rules';

export type ServicesPart = Part & Pick<Proxier, 'reportTo' | 'problem'> & { readonly inputs: () => Proxier['inputs'] };

type Given = Pick<ProxierDeps, 'services' | 'slices' | 'nodes' | 'pods' | 'cidrs' | 'onDrift'>;

interface Around {
  readonly options: Pick<Options, 'nodeName' | 'clusterCidr' | 'serviceCidr' | 'proxyMode' | 'nodePortAddresses'>;
  readonly exec: Exec;
  readonly generations: Generations;
  readonly log: Logger;
}

/** @throws Unsupported when this node lacks what the proxy mode needs. */
export async function openServices({ options, exec, generations, ...given }: Given & Around): Promise<ServicesPart> {
  const { log } = given;
  const families = await Promise.all(
    options.clusterCidr.map((clusterCidr) => openFamily(clusterCidr, { options, exec, generations, log })),
  );
  const metrics = new Metrics();
  const healthPorts = new HealthPorts(log);
  const { nodeName } = options;
  const proxier = new Proxier({ ...given, nodeName, families, healthPorts, metrics, clock: systemClock });
  return {
    reportTo: (progress) => proxier.reportTo(progress),
    problem: () => proxier.problem(),
    inputs: () => proxier.inputs,
    desired: () => desiredServices(options.proxyMode, families, proxier.state),
    renderMetrics: () => {
      for (const { rules } of families) for (const [table, n] of rules.ruleCounts) metrics.rules.set(table, n);
      return metrics.render();
    },
    run: (signal) => proxier.run(signal).finally(() => healthPorts.close()),
  };
}

/** Services of all families, as last planned. */
export function desiredServices(
  mode: ProxyMode,
  families: readonly Pick<FamilyProxy, 'family' | 'rules'>[],
  state: WriteState,
): DesiredPart {
  const rules = families.flatMap(({ family, rules }) => {
    const desired = rules.desired();
    return desired ? [{ family, desired }] : [];
  });
  return {
    part: 'services',
    mode,
    state,
    known: rules.length === families.length,
    iptables: rules.flatMap(({ family, desired }) => desired.iptables.map((one) => ({ ...one, family }))),
    nft: rules.flatMap(({ desired }) => desired.nft),
    notes: [],
  };
}

async function openFamily(clusterCidr: string, { options, exec, generations, log }: Around): Promise<FamilyProxy> {
  const { proxyMode: mode, serviceCidr, nodePortAddresses } = options;
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
