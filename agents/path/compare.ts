// The kernel of the nodes against the objects of the API: rules that do not lead where they should, and addresses that two have. Pure.
import type { HopFault, HopRule } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { Followed } from './follow';
import { logOf } from './log-of';
import { faultHop } from './report';
import { endText, keyOf, type ServiceEnd } from './service-check';
import type { Target } from './target';

export interface Expected {
  readonly target: Target;
  /** The endpoint that was asked for. */
  readonly end: ServiceEnd | undefined;
  /** All that this node may choose. */
  readonly ends: readonly ServiceEnd[];
  /** The node whose rules choose the endpoint. */
  readonly translator: string;
  /** Those that the API has for nodes. */
  readonly nodeAddresses: ReadonlySet<string>;
}

/** Undefined when the packet did not come so far. */
const atTranslator = ({ passed }: Followed, { translator }: Expected) => passed.find(({ node }) => node === translator);

/** The same way, with the fault that the comparison finds. */
export function compare(followed: Followed, expected: Expected): Followed {
  return (
    foreignNat(followed, expected) ??
    refusedAnyway(followed, expected) ??
    nobodys(followed, expected) ??
    keptByItself(followed, expected) ??
    wrongEnd(followed, expected) ??
    twice(followed, expected) ??
    staleFlow(followed, expected) ??
    followed
  );
}

/** A rule of another program has translated the destination: nothing after it counts. */
function foreignNat(followed: Followed, { target, ends }: Expected): Followed | undefined {
  const reachedAt = ({ answer: { packet } }: Followed['passed'][number]) =>
    endText({ address: packet.destination, ...portOf(packet.destinationPort) });
  const natAt = (where: string) =>
    followed.hops.findIndex(({ node, rules = [] }) => node === where && rules.some(isForeignNat));
  // Also where the packet was on its way to the right endpoint: the node of the receiver may have such a rule.
  const start = followed.passed.find(
    (one) => natAt(one.node) >= 0 && !ends.some((end) => endText(end) === reachedAt(one)),
  );
  if (start === undefined) return undefined;
  const reached = reachedAt(start);
  const index = natAt(start.node);
  const hop = followed.hops[index]!;
  const rule = hop.rules!.find(isForeignNat)!;
  const what = `a rule of ${rule.writer ?? 'another program'}`;
  const sends = `sends what goes to ${target.label} to ${reached} instead`;
  const text = `${rule.place}: ${rule.rule}`;
  // `output of pod shop/web-0`: the rules of the pod itself.
  const [, pod] = / of pod (\S+)$/.exec(hop.name) ?? [];
  if (pod === undefined) {
    const remedy = `remove it on node ${start.node}; hack/rules ${start.node} explain 'RULE' says more`;
    const fault = { code: 'ForeignNat', message: `${what} ${sends}: ${text}`, remedy };
    return stoppedAt(followed, index, { ...hop, state: 'stops', fault });
  }
  // A proxy of a service mesh passes it on.
  const isProxy = start.answer.end.kind === 'pod' && start.answer.end.pod === pod;
  const fault = {
    code: 'ForeignNat',
    message: `${what} inside pod ${pod} ${sends}${isProxy ? ', a program of the pod, which may pass it on' : ''}: ${text}`,
    remedy: `see what the pod runs that writes rules (a service mesh?); on node ${start.node}: nsenter into the pod's network namespace, and remove the rule`,
  };
  return stoppedAt(followed, index, { ...hop, state: isProxy ? 'doubtful' : 'stops', fault });
}

const portOf = (port: number | undefined) => (port === undefined ? {} : { port });
const isForeignNat = ({ verdict, writer }: HopRule): boolean => verdict === 'dnat' && !writer?.includes('of k8ts');

const stoppedAt = (followed: Followed, index: number, hop: LocatedHop): Followed => ({
  ...followed,
  hops: [...followed.hops.slice(0, index), hop],
  end: { kind: 'stopped' },
});

const refusals: ReadonlySet<string> = new Set([
  'NoEndpoints',
  'NoLocalEndpoints',
  'ServiceRefuses',
  'NoSuchService',
  'NoSuchPort',
]);

/** The rules refuse: because of a traffic policy, or because kube-proxy does not know the endpoints. */
function refusedAnyway(followed: Followed, expected: Expected): Followed | undefined {
  const { target, ends } = expected;
  const start = atTranslator(followed, expected);
  const { service } = target;
  if (service === undefined || target.reachedBy === 'endpoint' || start === undefined) return undefined;
  const index = followed.hops.findIndex(({ fault }) => fault !== undefined && refusals.has(fault.code));
  if (index < 0) return undefined;
  const hop = followed.hops[index]!;
  const key = keyOf(service);
  const slices = `kubectl get endpointslices -n ${service.metadata?.namespace} -l kubernetes.io/service-name=${service.metadata?.name}`;
  if (ends.length === 0 && target.ends.length > 0) {
    const elsewhere = [...new Set(target.ends.map(({ node }) => node ?? '?'))].join(', ');
    const policy = target.reachedBy === 'clusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
    const message = `Service ${key} has ${policy} Local and no ready endpoint on node ${start.node} (they are on ${elsewhere})`;
    return stoppedAt(followed, index, { ...hop, fault: { code: 'NoLocalEndpoints', message, remedy: slices } });
  }
  if (ends.length === 0) return undefined;
  const fault = behind(
    start.node,
    `Service ${key} has ${ends.length} ready endpoints, but the rules say: ${hop.fault!.message}`,
  );
  return stoppedAt(followed, index, { ...hop, fault });
}

const behind = (node: string, message: string): HopFault => ({
  code: 'ProxyBehind',
  message: `kube-proxy of node ${node} is behind, or does not run: ${message}`,
  remedy: `see whether kube-proxy of node ${node} runs: hack/status; ${logOf('kube-proxy', node)}`,
});

/** The rules lead elsewhere than to the endpoint that they should know. */
function wrongEnd(followed: Followed, expected: Expected): Followed | undefined {
  const { target, end, ends } = expected;
  const start = atTranslator(followed, expected);
  if (target.service === undefined || target.reachedBy === 'endpoint' || start === undefined || end === undefined)
    return undefined;
  const own = followed.hops.filter(({ node }) => node === start.node);
  // A rule that could not be read may lead there.
  if (own.some(({ state }) => state === 'unknown')) return undefined;
  // A node without the rules of the Service may have no route to its address.
  const stop = own.find(({ state }) => state === 'stops');
  // By another link of the pod, which its own hop doubts: it never came to these rules.
  if (start.answer.end.kind === 'stopped' && stop === undefined) return undefined;
  if (stop && !(stop.kind === 'routing' && stop.fault?.message.startsWith(`node ${start.node}`))) return undefined;
  const { packet } = start.answer;
  const reached = endText({ address: packet.destination, port: packet.destinationPort ?? 0 });
  if (reached === endText(end)) return undefined;
  const key = keyOf(target.service);
  const what =
    packet.destination === target.address
      ? `its rules do not know ${target.address} port ${target.port} of Service ${key}`
      : ends.some((one) => endText(one) === reached)
        ? `no rule leads to ${endText(end)}, a ready endpoint of Service ${key}`
        : `its rules lead to ${reached}, which is no ready endpoint of Service ${key}`;
  const at = own.findLastIndex(({ kind }) => kind === 'hook') + 1;
  const hop: LocatedHop = {
    ...faultHop('hook', 'rules of kube-proxy', behind(start.node, what)),
    leg: own[0]?.leg ?? 'request',
    node: start.node,
  };
  return { ...followed, hops: [...own.slice(0, at), hop], end: { kind: 'stopped' } };
}

/** Policies drop what goes to an address of the node's range that they do not know: here no pod has it. */
function nobodys(followed: Followed, { end, target }: Expected): Followed | undefined {
  const index = followed.hops.findIndex(({ fault }) => fault?.code === 'PolicyUnknownPod');
  const known = end ? end.pod !== undefined : target.pod !== undefined || target.service !== undefined;
  if (index < 0 || known) return undefined;
  const fault: HopFault = {
    code: 'NobodyThere',
    message: `no pod has the address ${end?.address ?? target.address}${end ? ', which an EndpointSlice names' : ''}`,
    remedy: 'kubectl get endpointslices -A',
  };
  return stoppedAt(followed, index, { ...followed.hops[index]!, fault });
}

/** The sender, or its node, has the address of the Service itself: the packet meets no rule of kube-proxy. */
function keptByItself(followed: Followed, { target }: Expected): Followed | undefined {
  const [start] = followed.passed;
  if (target.service === undefined || target.reachedBy === 'endpoint' || start === undefined) return undefined;
  const { question, answer, node } = start;
  if (answer.packet.destination !== target.address || followed.passed.length > 1) return undefined;
  const at = (who: string) =>
    followed.hops.findIndex(
      ({ kind, name }) => kind === 'socket' && / port \d+ of /.test(name) && name.endsWith(` of ${who}`),
    );
  const pod = question.from.kind === 'pod' ? question.from.pod : undefined;
  const who = pod !== undefined && at(`pod ${pod}`) >= 0 ? `pod ${pod}` : `node ${node}`;
  const index = at(who);
  // The addresses of node ports and load balancers may be those of a node.
  if (index < 0 || (who !== `pod ${pod}` && target.reachedBy !== 'clusterIP')) return undefined;
  const fault: HopFault = {
    code: 'DuplicateAddress',
    message: `${who} has ${target.address}, the address of ${target.label}, itself: it keeps the packet`,
    remedy: `ip address show to ${target.address}, ${who === `pod ${pod}` ? 'in the network namespace of the pod' : `on node ${node}`}`,
  };
  return stoppedAt(followed, index, { ...followed.hops[index]!, state: 'stops', fault });
}

/** A node takes a packet for a pod as its own. */
function twice(followed: Followed, { target, end, nodeAddresses }: Expected): Followed | undefined {
  const last = followed.passed.at(-1);
  const pod = end?.pod ?? (target.pod && !target.pod.spec?.hostNetwork ? keyOf(target.pod) : undefined);
  const address = end?.address ?? target.address;
  // A pod with hostNetwork has the address of its node.
  if (last === undefined || pod === undefined || nodeAddresses.has(address)) return undefined;
  if (last.answer.packet.destination !== address) return undefined;
  const index = followed.hops.findIndex(
    ({ kind, node, facts }) =>
      kind === 'routing' && node === last.node && facts[0] === `${address} is an address of node ${last.node}`,
  );
  const runsThere = followed.hops.some(({ kind, name }) => kind === 'interface' && name.endsWith(`of pod ${pod}`));
  if (index < 0 || runsThere) return undefined;
  const fault: HopFault = {
    code: 'DuplicateAddress',
    message: `node ${last.node} has the address ${address} itself, which is that of pod ${pod}: it keeps the packet`,
    remedy: `ip address show to ${address}, on node ${last.node}`,
  };
  return stoppedAt(followed, index, { ...followed.hops[index]!, state: 'stops', fault });
}

/** A UDP flow that goes on to an endpoint which is none any more: new flows are well, the old client is not. */
function staleFlow(followed: Followed, expected: Expected): Followed | undefined {
  const { target } = expected;
  const start = atTranslator(followed, expected);
  if (target.service === undefined || target.ends.length === 0 || start === undefined) return undefined;
  const known = new Set(target.ends.map(endText));
  const stale = (start.answer.flows ?? []).find(({ to }) => !known.has(to));
  if (stale === undefined) return undefined;
  const { source, destination, destinationPort } = start.answer.sent;
  const fault: HopFault = {
    code: 'StaleFlow',
    message: `connection tracking of node ${start.node} sends the flow from ${source} port ${stale.sourcePort} to ${stale.to}, which is no endpoint of Service ${keyOf(target.service)}; new flows go elsewhere`,
    remedy: `conntrack -D -p udp --orig-src ${source} --orig-dst ${destination} --orig-port-dst ${destinationPort}, on node ${start.node}`,
  };
  const at = followed.hops.findIndex(({ kind, node }) => kind === 'hook' && node === start.node);
  const hop: LocatedHop = {
    kind: 'hook',
    name: 'connection tracking',
    state: 'doubtful',
    facts: [],
    fault,
    leg: followed.hops[0]?.leg ?? 'request',
    node: start.node,
  };
  return { ...followed, hops: followed.hops.toSpliced(at, 0, hop) };
}
