// Sends what the plan describes, and watches it on the nodes of the plan: whether it arrives, how far it comes, how long it takes.
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, describeError } from '../../controlplane/base/errors';
import type { ProbeAsked, ProbeCame, ProbeDone } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { judgeProbe } from './judge-probe';
import { type ProbeDeps, type Probed, type ProbePlan, timeoutMs } from './probe-plan';
import { type ProbeTag, sightingsOf } from './sightings';

/** A node needs this long to start a watch; on a busy machine a second attempt waits longer. */
const delaysMs = [450, 2_000];
/** The node that sends watches until the answer has come. */
const longMs = 60_000;

/** Undefined when there is nothing to send: the sender is another machine. @throws Forbidden when the caller may not send probes */
export async function sendProbe(plan: ProbePlan, deps: ProbeDeps): Promise<Probed | undefined> {
  const { sender, target } = plan;
  if (target.protocol === 'sctp') return undefined;
  for (const delayMs of delaysMs) {
    const sourcePort = 20_000 + Math.floor(Math.random() * 10_000);
    const requests = requestsOf(plan, sourcePort);
    const all = [plan.followed, ...(plan.ways ?? []).map(({ found }) => found)];
    const nodes = [...new Set(all.flatMap(({ passed }) => passed.map(({ node }) => node)))];
    const sent = await sendAndWatch({ plan, requests, nodes, delayMs, deps });
    if (sent === undefined) return undefined;
    const unsure = blindNodes(sent);
    if (unsure.length > 0 && delayMs !== delaysMs.at(-1)) continue;
    const [request] = requests;
    const tag: ProbeTag = {
      protocol: target.protocol,
      destination: request!.address,
      ...(request!.port === undefined ? {} : { port: request!.port, sourcePort }),
    };
    const seen = sightingsOf(
      tag,
      sent.byNode.map(({ node, done }) => ({ node, seen: done.sightings })),
    );
    // Who has seen it has watched: the clocks of two machines may differ.
    const blind = unsure.filter((node) => !seen.some((one) => one.node === node));
    return { ...judgeProbe({ plan, came: sent.results, seen, blind, label: sender.label }), sightings: seen };
  }
  return undefined;
}

/** Nodes that did not watch when the probe was on its way: what they have not seen says nothing. */
function blindNodes({ byNode, sentAtUs }: Sent): readonly string[] {
  return byNode.flatMap(({ node, done, untilMs }) => {
    const { watchesFromUs } = done;
    if (watchesFromUs === undefined || sentAtUs === undefined) return [node];
    const watched = watchesFromUs <= sentAtUs && sentAtUs + timeoutMs * 1000 <= watchesFromUs + untilMs * 1000;
    return watched ? [] : [node];
  });
}

function requestsOf({ target, http, direct }: ProbePlan, sourcePort: number): readonly ProbeAsked[] {
  const at = direct ?? target;
  const { address } = at;
  const port = direct?.port ?? target.port;
  if (target.protocol === 'icmp') return [{ protocol: 'icmp', address, timeoutMs }];
  const protocol = target.protocol === 'udp' ? 'udp' : (http?.scheme ?? 'tcp');
  return [
    {
      protocol: protocol as ProbeAsked['protocol'],
      address,
      port: port!,
      sourcePort,
      timeoutMs: http ? 3 * timeoutMs : timeoutMs,
      ...(http
        ? {
            http: {
              host: http.host,
              path: http.path,
              ...(http.scheme === 'https' && isIP(http.host) === 0 ? { serverName: http.host } : {}),
            },
          }
        : {}),
    },
  ];
}

interface Sending {
  readonly plan: ProbePlan;
  readonly requests: readonly ProbeAsked[];
  readonly nodes: readonly string[];
  readonly delayMs: number;
  readonly deps: ProbeDeps;
}
interface Sent {
  readonly results: readonly ProbeCame[];
  readonly sentAtUs?: number;
  /** `untilMs`: how long the node watches, from its beginning on. */
  readonly byNode: readonly { readonly node: string; readonly done: ProbeDone; readonly untilMs: number }[];
}

async function sendAndWatch({ plan, requests, nodes, delayMs, deps }: Sending): Promise<Sent | undefined> {
  const { sender, target, followed } = plan;
  const { cluster, sendHere } = deps;
  const { origin } = sender;
  if (origin.kind === 'machine' && sendHere === undefined) return undefined;
  const addresses = new Set<string>(requests.map(({ address }) => address));
  const ports = new Set<number>(requests.flatMap(({ port }) => port ?? []));
  for (const { answer } of followed.passed) {
    addresses.add(answer.packet.destination);
    if (answer.packet.destinationPort !== undefined) ports.add(answer.packet.destinationPort);
  }
  for (const end of target.ends.slice(0, 32)) {
    addresses.add(end.address);
    ports.add(end.port);
  }
  const watch = {
    protocol:
      target.protocol === 'icmp' && target.address.includes(':')
        ? ('icmpv6' as const)
        : (target.protocol as 'tcp' | 'udp' | 'icmp'),
    addresses: [...addresses].slice(0, 64),
    ...(ports.size > 0 ? { ports: [...ports].slice(0, 64) } : {}),
    ms: delayMs + timeoutMs * 2,
  };
  const others = nodes.filter((node) => origin.kind === 'machine' || node !== sender.node);
  const watching = others.map(async (node) => ({
    node,
    untilMs: watch.ms,
    // A node that cannot watch leaves its part of the way unseen.
    done: await cluster.probe(node, { watch }).catch((): ProbeDone => ({ results: [], sightings: [], lost: 0 })),
  }));
  if (origin.kind === 'machine') {
    await sleep(delayMs);
    const sentAtUs = Date.now() * 1000;
    const results = [await sendHere!(requests[0]!)];
    return { results, sentAtUs, byNode: await Promise.all(watching) };
  }
  const own = await cluster.probe(sender.node!, { from: origin, requests, delayMs, watch });
  const byNode = [{ node: sender.node!, done: own, untilMs: longMs }, ...(await Promise.all(watching))];
  return { results: own.results, byNode, ...(own.sentAtUs === undefined ? {} : { sentAtUs: own.sentAtUs }) };
}

/** Why there is no probe, as a hop that blames nothing. */
export const noProbe = (why: string): LocatedHop => ({
  kind: 'probe',
  name: 'probe',
  state: 'passes',
  leg: 'request',
  facts: [`not sent: ${why}`],
});

export const whyFailed = (error: unknown): string =>
  error instanceof AppError && error.code === 'Forbidden'
    ? 'you may not create packetprobes (ClusterRole k8ts:path-probe)'
    : describeError(error);
