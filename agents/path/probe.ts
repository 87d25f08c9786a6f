// Sends what the plan describes, and watches it on the nodes of the plan: whether it arrives, how far it comes, how long it takes.
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, describeError } from '../../controlplane/base/errors';
import type { HopFault, ProbeAsked, ProbeCame, ProbeDone } from '../../controlplane/base/hops';
import type { Leg, LocatedHop } from '../../controlplane/base/path-report';
import { certificateFault } from './certificate-check';
import type { ClusterReader } from './cluster';
import type { Followed } from './follow';
import { logOf } from './log-of';
import type { Sender } from './sender';
import { endText, type ServiceEnd } from './service-check';
import { type ProbeTag, type Sighted, sightingsOf } from './sightings';
import type { Target } from './target';

export interface ProbeDeps {
  readonly cluster: ClusterReader;
  /** Sends from this machine, for senders outside; undefined: another machine is the sender. */
  readonly sendHere?: (request: ProbeAsked) => Promise<ProbeCame>;
}

export interface ProbePlan {
  readonly sender: Sender;
  readonly target: Target;
  /** The way as planned. */
  readonly followed: Followed;
  readonly leg: Leg;
  /** A request of HTTP instead of a connection alone. */
  readonly http?: { readonly scheme: 'http' | 'https'; readonly host: string; readonly path: string };
  /** The Ingress has no route for the request: it answers 404 itself. */
  readonly routeless?: boolean;
  /** The ways of all endpoints that were followed: chance may choose any of them. */
  readonly ways?: readonly { readonly found: Followed }[];
  /** The endpoint itself instead of the Service: when the plan blames one of several. */
  readonly direct?: ServiceEnd;
}

export interface Probed {
  readonly hop: LocatedHop;
  readonly came: ProbeCame;
  readonly sightings: readonly Sighted[];
  /** True: it failed at one of several endpoints, and others answer. */
  readonly isPart?: true;
}

const timeoutMs = 1_000;
/** A node needs this long to start a watch; on a busy machine a second attempt waits longer. */
const delaysMs = [450, 2_000];
const slowMs = 500;
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

interface Judging {
  readonly plan: ProbePlan;
  readonly came: readonly ProbeCame[];
  readonly seen: readonly Sighted[];
  readonly blind: readonly string[];
  readonly label: string;
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

function judgeProbe({ plan, came, seen, blind, label }: Judging): {
  readonly hop: LocatedHop;
  readonly came: ProbeCame;
} {
  const { target, leg, http, direct } = plan;
  const first = came[0] ?? { outcome: 'failed' as const, totalMs: 0, error: 'nothing was sent' };
  const to = direct ? endText(direct) : `${target.address}${target.port === undefined ? '' : ` port ${target.port}`}`;
  const what = http ? `HEAD ${http.scheme}://${http.host}${http.path}` : target.protocol;
  const name = `probe ${what} to ${to}`;
  const unseen = blind.length > 0 ? [`not watched in time by ${blind.join(', ')} (busy, or another clock)`] : [];
  const facts = [...outcomeFacts(first), ...seenFacts(seen), ...unseen];
  const base = { kind: 'probe', name, leg, facts } as const;
  const done = (hop: Pick<LocatedHop, 'state'> & { readonly fault?: HopFault }) => ({
    hop: { ...base, ...hop },
    came: first,
  });
  const fault = faultOf(first, { seen, blind, label, plan });
  if (fault) return done({ state: fault.sure ? 'stops' : 'doubtful', fault: fault.fault });
  return done({ state: 'passes' });
}

function outcomeFacts({ outcome, connectMs, totalMs, error, reportedBy, http, tls }: ProbeCame): readonly string[] {
  return [
    `${outcome}${http ? ` with HTTP status ${http.status}` : ''} after ${ms(outcome === 'connected' ? (connectMs ?? totalMs) : totalMs)}${connectMs === undefined || outcome === 'connected' ? '' : ` (connection after ${ms(connectMs)})`}${error ? `: ${error}` : ''}${reportedBy ? `, says ${reportedBy}` : ''}`,
    ...(http?.server ? [`the server is ${http.server}`] : []),
    ...(tls ? [`certificate of ${tls.subject}, for ${tls.names.slice(0, 4).join(', ')}`] : []),
  ];
}

const seenFacts = (seen: readonly Sighted[]): readonly string[] =>
  seen.map(
    ({ node, link, direction, what, afterUs, packet }) =>
      `${(afterUs / 1000).toFixed(2).padStart(6)} ms  ${what} ${direction} at ${link} of ${node}: ${packet}`,
  );

interface Found {
  readonly sure: boolean;
  readonly fault: HopFault;
}

/** Undefined: the probe arrived, and was answered as it should be. */
function faultOf(
  came: ProbeCame,
  { seen, blind, label, plan }: Pick<Judging, 'seen' | 'blind' | 'label' | 'plan'>,
): Found | undefined {
  const { target } = plan;
  const at = target.label;
  const sure = (code: string, message: string, remedy?: string): Found => ({
    sure: true,
    fault: { code, message, ...(remedy ? { remedy } : {}) },
  });
  switch (came.outcome) {
    case 'connected':
    case 'answered': {
      const slow = (came.connectMs ?? 0) > slowMs;
      if (slow)
        return {
          sure: false,
          fault: {
            code: 'SlowAccept',
            message: `the connection took ${ms(came.connectMs!)}: its first packet was lost and sent again`,
          },
        };
      const status = came.http?.status ?? 0;
      // The page of an Ingress bears its name; other ones are answers of the program, which the probe has reached.
      const isIngress = at.startsWith('node ') && came.http?.server === 'k8ts';
      if (isIngress && (status === 502 || status === 503 || status === 504)) {
        return sure(
          'BadGateway',
          `the Ingress answers ${status}: it gets no good answer from ${at}`,
          `${logOf('ingress', plan.followed.passed.at(-1)?.node)} says why`,
        );
      }
      if (plan.routeless && status === 404)
        return sure('NoRouteAtIngress', `the Ingress answers 404 to ${plan.http?.host}`);
      const certificate = certificateFault(came.tls, plan.http?.host);
      return certificate && { sure: false, fault: certificate };
    }
    case 'refused':
      if (plan.followed.hops.some(({ kind, state }) => kind === 'socket' && state === 'passes')) {
        const message = `${at} refuses the connection, although a program listens: a rule inside the pod does it${whoRefuses(seen)}`;
        return sure('Refused', message, 'iptables -S and nft list ruleset, in the network namespace of the pod');
      }
      return sure(
        'Refused',
        `${at} refuses the connection${whoRefuses(seen)}`,
        'see whether the program listens on this port',
      );
    case 'reset':
      return sure(
        'Reset',
        `${at} accepts the connection and resets it${whoRefuses(seen)}`,
        plan.http?.scheme === 'http'
          ? 'the log of the program may say why (kubectl logs); it may expect another protocol, such as TLS'
          : 'the log of the program may say why: kubectl logs',
      );
    case 'closed':
      return sure(
        'Closed',
        `${at} accepts the connection and closes it without an answer`,
        'the program may expect another protocol, such as TLS',
      );
    case 'tls':
      return sure(
        'TlsFails',
        `the TLS handshake with ${at} fails: ${came.error ?? ''}`,
        'the server may not speak TLS on this port',
      );
    case 'unreachable':
      return sure(
        'Unreachable',
        `${at} is unreachable: ${came.error ?? ''}${came.reportedBy ? `, says ${came.reportedBy}` : ''}`,
      );
    case 'timeout':
      if (came.connectMs !== undefined) {
        const message = `${at} accepts the connection, but gives no answer within ${ms(came.totalMs)}: the program is slow or hangs`;
        return {
          sure: false,
          fault: { code: 'NoAnswerInTime', message, remedy: whatItWaitsFor(plan) },
        };
      }
      return silence({ seen, blind, label, plan });
    default:
      return sure('ProbeFailed', `the probe fails: ${came.error ?? came.outcome}`);
  }
}

/** A URL at a node is answered by its Ingress. */
function whatItWaitsFor({ target, http, followed }: ProbePlan): string {
  if (!http || !target.label.startsWith('node ')) return 'kubectl logs may say what it waits for';
  return `hack/status, to see whether the Ingress of the node runs; ${logOf('ingress', followed.passed.at(-1)?.node)}`;
}

const whoRefuses = (seen: readonly Sighted[]): string => {
  const first = seen.find(({ what }) => what === 'refusal');
  return first
    ? ` (the refusal comes ${first.direction === 'in' ? 'in' : 'out'} at ${first.link} of node ${first.node})`
    : '';
};

/** The way of the endpoint that the probe was sent to. */
function wayTaken(last: Sighted | undefined, { followed, ways = [] }: ProbePlan): Followed {
  const leads = ({ packet: { destination, destinationPort } }: Followed) =>
    last?.packet.includes(` to ${destination}${destinationPort === undefined ? '' : `:${destinationPort}`}`) === true;
  return leads(followed) ? followed : (ways.find(({ found }) => leads(found))?.found ?? followed);
}

/** The node's end of the wire of the pod that gets the packet. */
function portOf({ hops }: Followed): string | undefined {
  const inside = hops.findLastIndex(({ link }) => link?.inPod);
  return hops.slice(0, Math.max(0, inside)).findLast(({ link }) => link !== undefined)?.link?.name;
}

/** In the order in which they were seen first. */
const firstOfEach = (seen: readonly Sighted[]): readonly Sighted[] =>
  [
    ...Map.groupBy(seen, ({ node, link, direction, packet }) => `${node} ${link} ${direction} ${packet}`).values(),
  ].flatMap(([first]) => first ?? []);

/** No answer: how far did the request come, and the answer? */
function silence({ seen, blind, label, plan }: Pick<Judging, 'seen' | 'blind' | 'label' | 'plan'>): Found | undefined {
  const { target } = plan;
  // Each place once: a packet that is sent again begins at the sender again.
  const requests = firstOfEach(seen.filter(({ what }) => what === 'request'));
  const followed = wayTaken(requests.at(-1), plan);
  const answers = firstOfEach(seen.filter(({ what }) => what === 'answer'));
  const last = requests.at(-1);
  const delivered = followed.end.kind === 'pod' || followed.end.kind === 'node';
  const lastNode = followed.passed.at(-1)?.node;
  const port = portOf(followed);
  // A bridge that does not know the receiver sends the frame out by all its links: the last one seen may be another one.
  const arrived =
    last !== undefined &&
    requests.some(
      (one) =>
        one.node === lastNode && (followed.end.kind === 'node' || (one.direction === 'out' && one.link === port)),
    );
  // No program has to answer a datagram; that it arrived is all there is to know.
  if (target.protocol === 'udp' && delivered && arrived) return undefined;
  // What a node has not watched is not known.
  const unwatched = followed.passed.find(({ node }) => blind.includes(node))?.node;
  const isBlind = unwatched !== undefined && !answers.some(({ node }) => node !== unwatched) && !arrived;
  if (isBlind) {
    const far =
      last === undefined
        ? ''
        : `; it was last seen ${last.direction === 'out' ? 'going out' : 'coming in'} at ${last.link} of node ${last.node}`;
    const message = `a probe of ${label} got no answer within ${ms(timeoutMs)}, and it is not known where it was lost: node ${unwatched} did not watch in time (it is busy, or its clock differs)${far}`;
    return {
      sure: true,
      fault: { code: 'LostSomewhere', message, remedy: 'ask again when the nodes have less to do' },
    };
  }
  const at = (one: Sighted) => `${one.link} of node ${one.node}`;
  if (last === undefined) {
    const message = `a probe of ${label} got no answer within ${ms(timeoutMs)}, and no node saw it: it was lost before ${followed.passed[0]?.node ?? 'the first node'}`;
    return { sure: true, fault: { code: 'LostAtSender', message } };
  }
  const answer = answers.at(-1);
  if (answer) {
    const message = `the answer was last seen ${answer.direction === 'in' ? 'coming in' : 'going out'} at ${at(answer)}, and did not come back to ${label}`;
    return {
      sure: true,
      fault: {
        code: 'AnswerLost',
        message,
        remedy: `look at what node ${answer.node} does with it after ${answer.link}, and at the link behind it`,
      },
    };
  }
  if (arrived) {
    const message = `the request arrives at ${at(last)}, and nothing answers: the program does not accept connections, or the pod's own rules drop them`;
    return {
      sure: true,
      fault: {
        code: 'NoAnswer',
        message,
        remedy: 'see whether the program accepts connections; a full accept queue drops new ones',
      },
    };
  }
  if (last.direction === 'out' && last.node === lastNode && followed.end.kind === 'pod' && port !== undefined) {
    return {
      sure: true,
      fault: {
        code: 'LostInNode',
        message: `the request was sent out at ${at(last)}, and did not come to ${port}, the link of the pod: something between them drops it`,
        remedy: `on node ${last.node}: tc -s qdisc show dev ${port}; tc -s filter show dev ${port} egress; nft list ruleset (tables of bridge and netdev); ebtables -L; bridge fdb show`,
      },
    };
  }
  const where =
    last.direction === 'out'
      ? `was sent out at ${at(last)}, and did not arrive at the next machine`
      : `came in at ${at(last)}, and did not leave that node`;
  const remedy =
    last.direction === 'out'
      ? 'look at the network between the machines: firewalls, MTU, link addresses'
      : `look at the rules and routes of node ${last.node}: hack/rules ${last.node} diff; rules of no IP table: nft list ruleset (tables of bridge and netdev), tc -s filter show dev ${last.link} ingress`;
  return {
    sure: true,
    fault: { code: last.direction === 'out' ? 'LostBetween' : 'LostInNode', message: `the request ${where}`, remedy },
  };
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
