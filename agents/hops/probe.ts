// `k8ts probe`: sends packets from this node or from one of its pods, and watches them at the links of the node. The kubelet starts it for
// each request at its port.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import { BadRequest, NotFound } from '../../controlplane/base/errors';
import type { ProbeAsked, ProbeCame, ProbeDone, ProbeOrder, Seen } from '../../controlplane/base/hops';
import { defineCommand } from '../../controlplane/process/process';
import type { LocalPod } from '../../dataplane/hops/pod-view';
import { refusedRange } from '../../dataplane/ingress/destination';
import type { Netns } from '../../dataplane/netns/netns';
import { netnsOfProcess, ownNetns } from '../../dataplane/netns/system-netns';
import { readAnswer, renderQuestion, withLength, withoutLength } from '../../dataplane/probe/dns-question';
import { probe } from '../../dataplane/probe/probe';
import { watchPackets } from '../../dataplane/probe/watch';
import { readInput } from './input';

export const command = defineCommand({
  name: 'probe',
  summary: 'send packets from this node or a pod of it, and watch them (the kubelet runs it)',
  options: {},
  tool: true,
  notes: `  Reads {"nodeName", "pods", "from", "requests", "delayMs", "watch"} from standard input, as JSON, and prints what came of each
  request and at which links its packets were seen. Ask a whole cluster by: k8ts path
`,
  async run({ signal }) {
    const input = await readInput<ProbeInput>();
    process.stdout.write(`${JSON.stringify(await carryOut(input, signal))}\n`);
  },
});

interface ProbeInput extends ProbeOrder {
  readonly nodeName: string;
  readonly pods: readonly LocalPod[];
}

const maxRequests = 8;
const maxDelayMs = 3_000;
const maxWatchMs = 10_000;
/** Packets of one probe; a busy Service may have more on the same ports. */
const maxPackets = 1_000;
/** The last answers are on their way when a probe has ended. */
const lingerMs = 50;

/** @throws BadRequest, NotFound for a pod that is not here, and what dataplane/probe throws */
export async function carryOut(order: ProbeInput, signal: AbortSignal): Promise<ProbeDone> {
  const { requests = [], delayMs = 0, watch } = order;
  if (requests.length > maxRequests) throw new BadRequest(`at most ${maxRequests} requests at once`);
  if (delayMs > maxDelayMs || (watch?.ms ?? 0) > maxWatchMs)
    throw new BadRequest('a probe may take ten seconds at most');
  if (requests.length > 0 && order.from === undefined) throw new BadRequest('requests need `from`: who sends them');
  for (const { address } of requests) refuseOwn(address);
  const netns = requests.length > 0 ? netnsOf(order) : undefined;
  const watching = watch && watchPackets(ownNetns(), { filter: watch, maxPackets });
  const watchesFromUs = nowUs();
  try {
    await sleep(delayMs, undefined, { signal });
    const sentAtUs = nowUs();
    const results: ProbeCame[] = [];
    for (const request of requests) results.push(await send(netns!, request, signal));
    await sleep(requests.length > 0 ? lingerMs : (watch?.ms ?? 0), undefined, { signal });
    const lost = watching?.lost() ?? 0;
    const sightings = watching?.stop() ?? [];
    return {
      results,
      sightings: sightings.filter(isHandshake),
      lost,
      ...(watching ? { watchesFromUs } : {}),
      ...(requests.length > 0 ? { sentAtUs } : {}),
    };
  } finally {
    watching?.stop();
  }
}

/**
 * Of TCP the packets that open or refuse a connection: they show how far a probe came. Sequence numbers of open connections, which belong to
 * others, stay on the node.
 */
const isHandshake = ({ protocol, flags = [] }: Seen): boolean =>
  protocol !== 'tcp' || flags.includes('SYN') || flags.includes('RST');

async function send(netns: Netns, { dns, ...request }: ProbeAsked, signal: AbortSignal): Promise<ProbeCame> {
  const { protocol } = request;
  if (dns && protocol !== 'udp' && protocol !== 'tcp') throw new BadRequest('a question of DNS goes by udp or tcp');
  const isStream = protocol === 'tcp';
  const id = randomInt(0x10000);
  const { outcome, connectMs, totalMs, error, reportedBy, localPort, http, tls, answer } = await probe(
    netns,
    dns ? { ...request, payload: isStream ? withLength(renderQuestion(id, dns)) : renderQuestion(id, dns) } : request,
    signal,
  );
  const said = dns && answer ? readAnswer(isStream ? withoutLength(answer) : answer, id, dns.type) : undefined;
  return {
    outcome,
    totalMs,
    ...(connectMs === undefined ? {} : { connectMs }),
    ...(error === undefined ? {} : { error }),
    ...(reportedBy === undefined ? {} : { reportedBy }),
    ...(localPort === undefined ? {} : { localPort }),
    ...(http ? { http } : {}),
    ...(tls ? { tls: { subject: tls.subject, names: tls.names } } : {}),
    ...(said ? { dns: said } : {}),
  };
}

const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

function netnsOf({ from, pods, nodeName }: ProbeInput): Netns {
  if (from === undefined || from.kind === 'node') return ownNetns();
  const pod = pods.find(({ key }) => key === from.pod);
  if (!pod) throw new NotFound(`pod ${from.pod} has no network on node ${nodeName}: it does not run there`);
  return netnsOfProcess(pod.pid);
}

/** What only programs of the machine may reach, in every spelling: loopback, link-local (metadata of clouds), groups. @throws BadRequest */
function refuseOwn(address: string): void {
  const range = refusedRange(address);
  if (range === undefined && !cidrContains(thisNetwork, parseAddress(address))) return;
  throw new BadRequest(`${address}: probes go to no address of loopback, of the link alone, or of a group`);
}

/** The kernel takes it for the machine itself. */
const thisNetwork = parseCidr('0.0.0.0/8');
