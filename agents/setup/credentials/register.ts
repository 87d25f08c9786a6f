// Creates the Node object of a machine that joins before its kubelet runs. From then on no other machine gets its name and address, and a
// serving certificate for them can be approved.
import { type Node, nodes, notReadyTaint } from '../../../controlplane/api';
import { formatTime } from '../../../controlplane/base/clock';
import { AlreadyExists, hasCode, isAlreadyExists, isNotFound } from '../../../controlplane/base/errors';
import type { Client } from '../../../controlplane/client/client';
import { addressesOf } from './plan';

export interface NodeIdentity {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Repeatable. @throws AlreadyExists when another node has one of the addresses */
export async function registerNode(client: Client, node: NodeIdentity, nowMs: number): Promise<void> {
  try {
    await createOrMove(client, node, nowMs);
  } catch (err) {
    // The server knows every node and decides atomically. Its message names the node and says what to do.
    if (hasCode(err, 'Forbidden') && / belongs to node /.test(err.message)) {
      throw new AlreadyExists(err.message, { cause: err });
    }
    throw err;
  }
}

async function createOrMove(client: Client, node: NodeIdentity, nowMs: number): Promise<void> {
  const there = await client.get(nodes, node.name).catch((err: unknown) => {
    if (isNotFound(err)) return undefined;
    throw err;
  });
  if (!there) {
    try {
      await client.create(nodes, newNode(node, nowMs));
      return;
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
    }
  }
  const known = there ? addressesOf(there) : [];
  if (node.addresses.every((address) => known.includes(address))) return;
  // Replaces the whole list: earlier addresses of the machine do not count any more.
  await client.patch(
    nodes,
    node.name,
    'merge',
    { status: { addresses: addressList(node) } },
    { subresource: 'status' },
  );
}

const addressList = ({ name, addresses }: NodeIdentity) => [
  ...addresses.map((address) => ({ type: 'InternalIP', address })),
  { type: 'Hostname', address: name },
];

/** Not Ready and without pods until its kubelet reports. */
function newNode(node: NodeIdentity, nowMs: number): Node {
  const now = formatTime(nowMs);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels: { 'kubernetes.io/hostname': node.name } },
    spec: { taints: [{ key: notReadyTaint, effect: 'NoSchedule' }] },
    status: {
      addresses: addressList(node),
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'NodeJoining',
          message: 'the machine has joined; its kubelet has not reported yet',
          lastHeartbeatTime: now,
          lastTransitionTime: now,
        },
      ],
    },
  };
}
