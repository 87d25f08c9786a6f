// Follows one packet from node to node: asks each node what it does with it, and carries the result to the next one; then the answer the
// same way back.
import { conditionOf, conntrackFullCondition, isReady, type Node } from '../../controlplane/api';
import type { Hop, HopAnswer, HopEnd, HopFault, HopOrigin, HopPacket, HopQuestion } from '../../controlplane/base/hops';
import type { Leg, LocatedHop } from '../../controlplane/base/path-report';
import { addressesOf, type ClusterReader } from './cluster';
import { logOf } from './log-of';
import { faultHop, stops } from './report';

/** A longer way is a loop between nodes. */
const maxNodes = 8;

export interface Passed {
  readonly node: string;
  readonly question: HopQuestion;
  readonly answer: HopAnswer;
}

export interface Followed {
  readonly hops: readonly LocatedHop[];
  readonly end: HopEnd;
  readonly packet: HopPacket;
  /** The nodes in order. */
  readonly passed: readonly Passed[];
}

export interface Start {
  readonly node: string;
  readonly from: HopOrigin;
  readonly packet: HopPacket;
  readonly endpoint?: string;
  readonly leg: Leg;
}

export async function follow(start: Start, cluster: ClusterReader): Promise<Followed> {
  const nodes = await cluster.nodes();
  const hops: LocatedHop[] = [];
  const passed: Passed[] = [];
  let { node, packet, from } = start;
  const add = (...more: readonly Hop[]) => hops.push(...more.map((hop) => ({ ...hop, leg: start.leg, node })));
  const stopped = (): Followed => ({ hops, end: { kind: 'stopped' }, packet, passed });
  for (let i = 0; i < maxNodes; i++) {
    const question: HopQuestion = { packet, from, ...(start.endpoint ? { endpoint: start.endpoint } : {}) };
    const answer = await cluster.ask(node, question);
    if ('error' in answer) {
      add(silentNode(nodes, node, answer.error));
      return stopped();
    }
    const wrong = wrongMac(passed.at(-1)?.answer.end, answer, node);
    if (wrong) add(wrong);
    add(...answer.hops);
    passed.push({ node, question, answer });
    ({ packet } = answer);
    if (stops(hops) || answer.end.kind !== 'machine')
      return { hops, end: stops(hops) ? { kind: 'stopped' } : answer.end, packet, passed };
    const { machine, tunnel } = answer.end;
    const next = nodes.find((one) => addressesOf(one).includes(machine));
    if (next === undefined) return { hops, end: answer.end, packet, passed };
    const own = nodes.find(({ metadata }) => metadata?.name === node);
    node = next.metadata?.name ?? '';
    from = { kind: 'machine', address: senderOf(own, machine), tunnel };
    const down = downNode(next);
    if (down) add(down);
  }
  add(
    faultHop('machine', 'way', { code: 'Loop', message: `the packet goes from node to node: more than ${maxNodes}` }),
  );
  return stopped();
}

/** The address of a node of the family of another address. */
const senderOf = (node: Node | undefined, like: string): string =>
  (node ? addressesOf(node) : []).find((own) => own.includes(':') === like.includes(':')) ?? like;

function silentNode(nodes: readonly Node[], name: string, error: string): Hop {
  const node = nodes.find(({ metadata }) => metadata?.name === name);
  const down = node === undefined ? undefined : downNode(node);
  if (down) return { ...down, state: 'stops', facts: [...down.facts, error] };
  const hop = { kind: 'machine', name: `node ${name}`, facts: [error] } as const;
  if (!/cannot reach the kubelet|no answer within/.test(error)) {
    return { ...hop, state: 'unknown', facts: [`the node did not say what it does with the packet: ${error}`] };
  }
  // The API server needs a new connection, too. The kubelet reported this over one that it had.
  const full = node ? conditionOf(node, conntrackFullCondition) : undefined;
  if (full?.status === 'True') {
    const message = `node ${name} says since ${full.lastTransitionTime}: ${full.message}`;
    const remedy = `on node ${name}: conntrack -L shows whose they are; sysctl -w net.netfilter.nf_conntrack_max=N allows more`;
    return { ...hop, state: 'stops', fault: { code: 'ConntrackFull', message, remedy } };
  }
  const fault: HopFault = {
    code: 'NodeSilent',
    message: `the API server does not reach the kubelet of node ${name}: the node is off or cut off, or its kubelet does not run`,
    remedy: `kubectl describe node ${name}; hack/status; ${logOf('kubelet', name)}`,
  };
  return { ...hop, state: 'doubtful', fault };
}

function downNode(node: Node): Hop | undefined {
  if (isReady(node)) return undefined;
  const name = node.metadata?.name ?? '';
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const since = ready?.lastTransitionTime ? ` since ${ready.lastTransitionTime}` : '';
  const why =
    ready?.status === 'Unknown'
      ? 'its kubelet does not report: the machine is off or cut off, or the kubelet does not run'
      : (ready?.message ?? 'its kubelet has not reported');
  const fault: HopFault = {
    code: 'NodeDown',
    message: `node ${name} is not ready${since}: ${why}`,
    remedy: `kubectl describe node ${name}; hack/status; ${logOf('kubelet', name)}`,
  };
  return {
    kind: 'machine',
    name: `node ${name}`,
    state: 'doubtful',
    facts: [`Ready is ${ready?.status ?? 'unknown'}`],
    fault,
  };
}

/** The sender's neighbour entry against the links that the receiving node has. */
function wrongMac(end: HopEnd | undefined, { links }: HopAnswer, node: string): Hop | undefined {
  if (end?.kind !== 'machine' || end.mac === undefined || links.length === 0) return undefined;
  if (links.some(({ mac }) => mac === end.mac)) return undefined;
  const { machine, link, mac } = end;
  return faultHop('neighbour', `neighbour ${machine}`, {
    code: 'WrongNeighbour',
    message: `frames for ${machine} go to ${mac}, but no link of node ${node} has this address: a stale entry, or another machine has ${machine} too`,
    remedy: `ip neighbour del ${machine} dev ${link}, on the sending node; if it comes back, find the machine with ${mac}`,
  });
}

/** The answer to a packet that arrived: the same nodes in the other direction. */
export async function followAnswer(
  { passed, packet, end }: Followed,
  cluster: ClusterReader,
): Promise<readonly LocatedHop[]> {
  const hops: LocatedHop[] = [];
  const nodes = await cluster.nodes();
  const addressOf = (name: string, like: string) =>
    senderOf(
      nodes.find(({ metadata }) => metadata?.name === name),
      like,
    );
  let current: HopPacket = answerTo(packet);
  for (const [i, { node, answer }] of [...passed].reverse().entries()) {
    const before = passed[passed.length - i]?.node;
    const from: HopOrigin =
      i > 0
        ? { kind: 'machine', address: addressOf(before ?? '', current.source), tunnel: tunnelled(passed, node) }
        : end.kind === 'pod'
          ? { kind: 'pod', pod: end.pod }
          : { kind: 'node' };
    const undo = restored(answer.sent, answer.packet);
    const result = await cluster.ask(node, { packet: current, from, answer: undo });
    if ('error' in result) {
      const facts = [`the node did not say what it does with the answer: ${result.error}`];
      hops.push({ kind: 'machine', name: `node ${node}`, state: 'unknown', facts, leg: 'answer', node });
      return hops;
    }
    hops.push(...result.hops.map((hop): LocatedHop => ({ ...hop, leg: 'answer', node })));
    if (stops(hops)) return hops;
    current = result.packet;
    const wanted = passed[passed.length - i - 2]?.node;
    const strays = strayed(result.end, { nodes, node, wanted });
    if (strays) {
      hops.push({ ...withForeignSource(strays, passed), leg: 'answer', node });
      return hops;
    }
  }
  return hops;
}

/** A rule of another program has given the question the source that the answer goes to. */
function withForeignSource(strays: Hop, passed: readonly Passed[]): Hop {
  for (const { node, answer } of passed) {
    const rules = answer.hops.flatMap(({ rules: all = [] }) => all);
    const foreign = rules.find(
      ({ verdict, writer }) => (verdict === 'snat' || verdict === 'masquerade') && !writer?.includes('of k8ts'),
    );
    if (foreign === undefined) continue;
    const message = `a rule of ${foreign.writer ?? 'another program'} on node ${node} gives the packet the source ${answer.packet.source}, and the answer to it goes elsewhere: ${foreign.place}: ${foreign.rule}`;
    const remedy = `remove it on node ${node}; hack/rules ${node} explain 'RULE' says more`;
    return { ...strays, fault: { code: 'ForeignNat', message, remedy } };
  }
  return strays;
}

/** The answer left for another machine than the question came from: connection tracking there does not know it. */
function strayed(
  end: HopEnd,
  {
    nodes,
    node,
    wanted,
  }: { readonly nodes: readonly Node[]; readonly node: string; readonly wanted: string | undefined },
): Hop | undefined {
  if (end.kind !== 'machine' || wanted === undefined) return undefined;
  const to = nodes.find((one) => addressesOf(one).includes(end.machine))?.metadata?.name;
  if (to === wanted) return undefined;
  return {
    kind: 'routing',
    name: 'way of the answer',
    state: 'doubtful',
    facts: [`the question came by node ${wanted}, the answer goes ${to ? `to node ${to}` : `to ${end.machine}`}`],
    fault: {
      code: 'AnswerStrays',
      message: `the answer leaves node ${node} towards ${to ?? end.machine}, but node ${wanted} translated the question: the sender does not know such an answer`,
    },
  };
}

const answerTo = ({ protocol, source, destination, sourcePort, destinationPort }: HopPacket): HopPacket => ({
  protocol,
  source: destination,
  destination: source,
  ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
  ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
});

function restored(before: HopPacket, after: HopPacket): NonNullable<HopQuestion['answer']> {
  const source = before.destination !== after.destination || before.destinationPort !== after.destinationPort;
  const destination = before.source !== after.source;
  return {
    ...(source ? { source: end(before.destination, before.destinationPort) } : {}),
    ...(destination ? { destination: end(before.source, before.sourcePort ?? after.sourcePort) } : {}),
  };
}

const end = (address: string, port: number | undefined) => ({ address, ...(port === undefined ? {} : { port }) });

/** Whether this node sent the question by the tunnel: then the answer comes by it, too. */
const tunnelled = (passed: readonly Passed[], node: string): boolean => {
  const found = passed.find((one) => one.node === node)?.answer.end;
  return found?.kind === 'machine' && found.tunnel;
};
