// NetworkPolicies on real nodes' networks: every pod to every pod, TCP and UDP, compared with the rules of the API.
import t from 'tap';
import { type KindRef, type KubeObject, namespaces, networkPolicies, objectKey, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutKernel } from '../lib/netns';
import { nodeNames, type Place, PolicyLab, podNames, ports } from '../lib/policy-lab';
import { type Cluster, isAllowed } from '../lib/policy-oracle';
import { type Probe, tryAll } from '../lib/policy-probes';
import { scenarios } from '../lib/policy-scenarios';
import { clusterOf, settled } from '../lib/policy-settled';

t.setTimeout(600_000);

/** Connections between every pair of pods, and from both nodes and outside to every pod. */
function matrix(lab: PolicyLab, cluster: Cluster): Probe[] {
  const podOf = (name: Place) =>
    cluster.pods.find(({ metadata }) => `${metadata?.namespace}/${metadata?.name}` === name);
  const probes: Probe[] = [];
  const places: readonly Place[] = [...podNames, 'outside', ...nodeNames];
  for (const from of places) {
    for (const name of podNames) {
      for (const protocol of ['TCP', 'UDP'] as const) {
        for (const port of ports) {
          const [source, destination] = [lab.ipOf(from), lab.ipOf(name)];
          const ends = { ...(podOf(from) ? { from: podOf(from)! } : {}), to: podOf(name)! };
          const ownNode = lab.pods.get(name)!.node === from;
          const expected = ownNode || isAllowed(cluster, { ...ends, source, destination, protocol, port });
          probes.push({ from, host: destination, port, protocol, expected });
        }
      }
    }
  }
  return probes;
}

t.test('NetworkPolicies', { skip: skipWithoutKernel() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const lab = await PolicyLab.open(scope);
  const enforcing = { n1: lab.enforce('n1'), n2: lab.enforce('n2') };

  for (const { name, policies, labels = {} } of scenarios({ of: (pod) => lab.ipOf(pod as Place) })) {
    await t.test(name, async (t) => {
      for (const { metadata } of (await clusterOf(lab)).policies) {
        await lab.client.delete(networkPolicies, `${metadata?.namespace}/${metadata?.name}`);
      }
      for (const policy of policies) await lab.client.create(networkPolicies, policy);
      await relabel(lab, labels);
      const cluster = await settled(lab, enforcing);
      // A packet with the ports of an earlier case's flow would pass as an answer.
      for (const node of nodeNames) await lab.at[node].run('conntrack', '-F');
      const probes = matrix(lab, cluster);
      t.strictSame(
        await tryAll(lab, probes),
        [],
        `${probes.filter(({ expected }) => expected).length} of ${probes.length} open`,
      );
    });
  }
});

/** Adds these labels to the usual ones of pods and namespaces, and removes those of an earlier case. */
async function relabel({ client }: PolicyLab, labels: Readonly<Record<string, Record<string, string>>>): Promise<void> {
  const change = async <T extends KubeObject>(kind: KindRef<T>) => {
    for (const object of (await client.list(kind)).items) {
      const { metadata = {} } = object;
      const usual = Object.entries(metadata.labels ?? {}).filter(([label]) => !['role', 'friend'].includes(label));
      const wanted = { ...Object.fromEntries(usual), ...labels[objectKey(object)] };
      if (JSON.stringify(wanted) === JSON.stringify(metadata.labels)) continue;
      await client.update(kind, { ...object, metadata: { ...metadata, labels: wanted } });
    }
  };
  await change(pods);
  await change(namespaces);
}
