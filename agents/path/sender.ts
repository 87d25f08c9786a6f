// Who sends: from the reference in the question to a node and an origin there.
import {
  daemonSets,
  deployments,
  isTerminal,
  jobs,
  type Pod,
  pods,
  replicaSets,
  statefulSets,
} from '../../controlplane/api';
import type { KindRef } from '../../controlplane/api/kind';
import { matchesSelector, selectorFromLabelSelector } from '../../controlplane/api/selector';
import type { KubeObject } from '../../controlplane/api/types';
import { NotFound } from '../../controlplane/base/errors';
import type { Hop, HopOrigin } from '../../controlplane/base/hops';
import { addressesOf, type ClusterReader, podAddresses } from './cluster';
import type { From, Workload } from './question';
import { faultHop } from './report';
import { whyNotReady } from './service-check';

export interface Sender {
  /** `pod shop/web-0`, `node worker-1`, `203.0.113.7 outside`. */
  readonly label: string;
  /** Absent for a machine outside: the destination decides where its packet comes in. */
  readonly node?: string;
  readonly origin: HopOrigin;
  /** '' : chosen by the node. */
  readonly addresses: readonly string[];
  readonly pod?: Pod;
  /** Present where the sender cannot send anything. */
  readonly hop?: Hop;
}

const kindOf: Readonly<Record<Workload, KindRef<KubeObject>>> = {
  deployments,
  statefulsets: statefulSets,
  daemonsets: daemonSets,
  replicasets: replicaSets,
  jobs,
};

/** @param outside the address of the machine that asks, for `outside`. @throws NotFound for an object that does not exist, Forbidden */
export async function findSender(from: From, cluster: ClusterReader, outside: () => Promise<string>): Promise<Sender> {
  switch (from.kind) {
    case 'outside': {
      const address = from.address ?? (await outside());
      const known = await whoHas(address, cluster);
      if (known) return known;
      return { label: `${address} outside`, origin: { kind: 'machine', address }, addresses: [address] };
    }
    case 'node': {
      const node = (await cluster.nodes()).find(({ metadata }) => metadata?.name === from.name);
      if (!node) throw new NotFound(`node ${from.name} does not exist`);
      return { label: `node ${from.name}`, node: from.name, origin: { kind: 'node' }, addresses: [] };
    }
    case 'pod': {
      const key = `${from.namespace}/${from.name}`;
      const pod = await cluster.find(pods, key);
      if (!pod) throw new NotFound(`pod ${key} does not exist`);
      return senderOf(pod);
    }
    default: {
      const key = `${from.namespace}/${from.name}`;
      const object = await cluster.find(kindOf[from.resource], key);
      if (!object) throw new NotFound(`${from.resource} ${key} does not exist`);
      const selector = selectorFromLabelSelector((object as { spec?: { selector?: object } }).spec?.selector);
      const all = await cluster.pods(from.namespace);
      const own = all.filter((pod) => selector && matchesSelector(selector, pod.metadata?.labels) && !isTerminal(pod));
      const pod = own.find(({ status }) => status?.phase === 'Running') ?? own[0];
      if (!pod) throw new NotFound(`${from.resource} ${key} has no pod`);
      return senderOf(pod);
    }
  }
}

/** An address from a log may be that of a pod or a node, and who asks may do so on a node or in a pod. Undefined: it is no machine of the cluster. */
async function whoHas(address: string, cluster: ClusterReader): Promise<Sender | undefined> {
  const node = (await cluster.nodes()).find((one) => addressesOf(one).includes(address));
  if (node) {
    const name = node.metadata?.name ?? '';
    return { label: `node ${name}`, node: name, origin: { kind: 'node' }, addresses: [address] };
  }
  const pod = (await cluster.pods('')).find((one) => podAddresses(one).includes(address) && !isTerminal(one));
  return pod && senderOf(pod);
}

function senderOf(pod: Pod): Sender {
  const { metadata, spec, status } = pod;
  const key = `${metadata?.namespace}/${metadata?.name}`;
  const label = `pod ${key}`;
  const node = spec?.nodeName;
  if (node === undefined || node === '' || status?.phase !== 'Running') {
    const hop = faultHop('interface', label, {
      code: 'SenderNotRunning',
      message: `pod ${key} does not run: ${whyNotReady(pod)}`,
      remedy: `kubectl describe pod -n ${metadata?.namespace} ${metadata?.name}`,
    });
    return { label, origin: { kind: 'pod', pod: key }, addresses: [], pod, hop, ...(node ? { node } : {}) };
  }
  if (spec?.hostNetwork) return { label, node, origin: { kind: 'node' }, addresses: [], pod };
  return { label, node, origin: { kind: 'pod', pod: key }, addresses: podAddresses(pod), pod };
}
