// A probe without an answer: how far the request came, and the answer, by what the nodes have seen. Pure.
import type { Followed } from './follow';
import { type Found, type Judging, ms, type ProbePlan, timeoutMs } from './probe-plan';
import type { Sighted } from './sightings';

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
export function silence({
  seen,
  blind,
  label,
  plan,
}: Pick<Judging, 'seen' | 'blind' | 'label' | 'plan'>): Found | undefined {
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
  const landed = requests.find(
    (one) => one.node === lastNode && (followed.end.kind === 'node' || (one.direction === 'out' && one.link === port)),
  );
  const arrived = landed !== undefined;
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
  if (landed) {
    const message = `the request arrives at ${at(landed)}, and nothing answers: the program does not accept connections, or the pod's own rules drop them`;
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
