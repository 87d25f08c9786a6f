// Waits until the kernels of both nodes hold the rules for the current objects of the API.
import {
  translateNamespace,
  translatePod,
  translatePolicy,
  translateServer,
} from '../../agents/kube-proxy/policy/translate';
import { endpointSlices, namespaces, networkPolicies, pods, services } from '../../controlplane/api';
import { compilePolicies } from '../../dataplane/policy/compile';
import { renderUpdate } from '../../dataplane/policy/update';
import { type Enforcement, type NodeName, nodeNames, type PolicyLab } from './policy-lab';
import type { Cluster } from './policy-oracle';

export const clusterOf = async ({ client }: PolicyLab): Promise<Cluster> => ({
  policies: (await client.list(networkPolicies)).items,
  pods: (await client.list(pods)).items,
  namespaces: (await client.list(namespaces)).items,
});

export async function settled(lab: PolicyLab, enforcing: Record<NodeName, Enforcement>): Promise<Cluster> {
  const cluster = await clusterOf(lab);
  const dns = (await lab.client.list(services)).items.find(({ metadata }) => metadata?.name === 'kube-dns');
  const slices = (await lab.client.list(endpointSlices)).items;
  for (const name of nodeNames) {
    const server = translateServer(dns, slices, { name, podRanges: lab.rangesOf(name) });
    const plan = compilePolicies({
      families: lab.families,
      podRanges: lab.rangesOf(name),
      policies: cluster.policies.map(translatePolicy),
      pods: cluster.pods.flatMap((pod) => translatePod(pod, name) ?? []),
      namespaces: cluster.namespaces.map(translateNamespace),
      servers: server ? [server] : [],
    });
    const text = plan && renderUpdate(undefined, plan);
    await enforcing[name].applier.until((applied) => (applied && renderUpdate(undefined, applied)) === text);
  }
  return cluster;
}
