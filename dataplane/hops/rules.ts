// From the tracer's journey to hops: the rules that a packet meets at each hook, with their objects, writers and counters. Pure.
import type { Hop, HopFault, HopPacket, HopRule } from '../../controlplane/base/hops';
import type { Journey, ObjectRef, RestoringStep, RuleStep, Step } from '../path/journey';
import type { Fields, Packet } from '../path/packet';
import { renderObject } from '../path/text';
import { type Inside, insideWords, ofNft, type Removing, removalOf, writerOfStep } from './foreign-rule';
import { foreignMark, refusing } from './marks';

export interface Counted {
  /** By `iptables nat CHAIN:1`, `nft ip k8ts CHAIN:1`. */
  readonly packets: ReadonlyMap<string, number>;
}

/** The hops of one hook, or of a routing decision. */
export interface Stage {
  readonly hook: string;
  readonly steps: readonly (RuleStep | RestoringStep)[];
}

/** Steps in groups: one for each hook in which something matched, and the routing decisions between them. */
export function stagesOf(steps: readonly Step[]): readonly (Stage | Extract<Step, { step: 'routing' }>)[] {
  const stages: ((Stage & { steps: (RuleStep | RestoringStep)[] }) | Extract<Step, { step: 'routing' }>)[] = [];
  for (const step of steps) {
    const last = stages.at(-1);
    if (step.step === 'routing') stages.push(step);
    else if (last !== undefined && 'hook' in last && last.hook === step.hook) last.steps.push(step);
    else stages.push({ hook: step.hook, steps: [step] });
  }
  return stages;
}

/** `end`: of the journey whose last stage this is. */
export function hookHop(
  { hook, steps }: Stage,
  {
    packet,
    packets,
    legacy,
    end,
    inside,
  }: {
    readonly packet: Packet;
    readonly packets: Counted['packets'];
    readonly legacy?: ReadonlySet<string>;
    readonly end?: Journey;
    /** Of rules inside a pod. */
    readonly inside?: Inside;
  },
): Hop {
  const before = steps[0]!.before;
  const after = steps.at(-1)!.after;
  const rules = steps.flatMap((step) => (step.step === 'rule' ? [ruleOf(step, packet, packets)] : []));
  const stopped = end !== undefined && end.verdict !== 'accept';
  const removing = { packet, legacy, inside };
  const fault = stopped ? refusal(steps.at(-1) as RuleStep, end, removing) : undefined;
  const facts = steps.flatMap((step) =>
    step.step === 'restoring'
      ? ['an answer: connection tracking restores the addresses of the question']
      : step.doubt === undefined
        ? []
        : [`not known: ${step.doubt}`],
  );
  const maybe = stopped ? unreadAccept(steps) : undefined;
  const doubtful = stopped ? undefined : steps.find((step): step is RuleStep => step.step === 'rule' && mayStop(step));
  const marked = stopped || doubtful || inside ? undefined : foreignMark(steps, removing);
  return {
    kind: 'hook',
    name: `${hook}${inside?.suffix ?? ''}`,
    state: stopped && !maybe ? 'stops' : maybe || doubtful || marked ? 'doubtful' : 'passes',
    facts,
    rules,
    ...(ends(before) === ends(after) ? {} : { becomes: packetAfter(packet, after) }),
    ...(fault ? { fault } : doubtful ? { fault: unread(doubtful, removing) } : marked ? { fault: marked } : {}),
  };
}

/** A rule with unknown words that may have let the packet through, before the rule at which it ends. */
const unreadAccept = (steps: readonly (RuleStep | RestoringStep)[]): RuleStep | undefined =>
  steps.find(
    (step): step is RuleStep =>
      step.step === 'rule' && step.doubt !== undefined && / -j ACCEPT\b|\baccept(?: comment "[^"]*")?$/.test(step.rule),
  );

/** A rule that may only let the packet through stops nothing. */
const mayStop = ({ doubt, rule }: RuleStep): boolean =>
  doubt !== undefined && !/ -j (?:ACCEPT|RETURN)\b|\b(?:accept|return)(?: comment "[^"]*")?$/.test(rule);

/** The first rule of a hook whose words are not known, and which may stop the packet or change it. */
function unread(step: RuleStep, removing: Removing): HopFault {
  const { table, chain, line, rule } = step;
  const owner = writerOfStep(step) ?? 'another program';
  return {
    code: 'UnreadRule',
    message: `a rule of ${owner}${insideWords(removing)} may stop it or change it, and its words are not known here: ${table} ${chain}:${line}: ${rule}`,
    remedy: `on the node, to see whether it is this rule: ${removalOf(step, removing)}`,
  };
}

export const packetAfter = ({ protocol }: Packet, fields: Fields): HopPacket => ({
  protocol: protocol === 'icmpv6' ? 'icmp' : (protocol as HopPacket['protocol']),
  source: fields.source,
  destination: fields.destination,
  ...(fields.sourcePort === undefined ? {} : { sourcePort: fields.sourcePort }),
  ...(fields.destinationPort === undefined ? {} : { destinationPort: fields.destinationPort }),
});

const ends = ({ source, sourcePort, destination, destinationPort }: Fields): string =>
  `${source} ${sourcePort} ${destination} ${destinationPort}`;

function ruleOf(step: RuleStep, packet: Packet, packets: Counted['packets']): HopRule {
  const { table, chain, line, rule, verdict, objects } = step;
  const program = ofNft(table) ? 'nft' : packet.source.includes(':') ? 'ip6tables' : 'iptables';
  const counted = packets.get(`${program} ${table} ${chain}:${line}`);
  const writer = writerOfStep(step);
  return {
    place: `${table} ${chain}:${line}`,
    rule,
    verdict: verdict === 'continue' ? 'goes on' : verdict,
    objects: objects.map(renderObject),
    ...(writer === undefined ? {} : { writer }),
    ...(counted === undefined ? {} : { packets: counted }),
    ...(/--mode random|numgen random/.test(rule) ? { byChance: true } : {}),
  };
}

/** Why a packet ends at a rule, in the terms of the object behind it. */
function refusal(step: RuleStep, journey: Journey, removing: Removing): HopFault {
  const { verdict, rejectWith } = journey;
  const { table, chain, line, rule, objects } = step;
  const place = `${table} ${chain}:${line}`;
  const how = verdict === 'drop' ? 'dropped without an answer' : `refused with ${rejectWith}`;
  if (table === 'bridge k8ts-pod-sources') {
    return {
      code: 'SourceNotOfPod',
      message: `the pod sends with an address or a link address that is not its own, and the kubelet's check drops that (${place})`,
      remedy:
        'send from the address in status.podIP of the pod; a pod that must forward for others needs a kubelet with --no-check-pod-sources',
    };
  }
  if (/k8ts-policy$/.test(table)) return policyRefusal(objects, place, rule);
  const owner = writerOfStep(step);
  if (owner?.startsWith('kube-proxy of k8ts'))
    return foreignMark(journey.steps, removing, refusing) ?? serviceRefusal(journey.steps, step, how, place);
  return {
    code: 'ForeignRule',
    message: `${how} by a rule of ${owner ?? 'another program'}${insideWords(removing)}: ${place}: ${rule}`,
    remedy: `on the node: ${removalOf(step, removing)}`,
  };
}

function policyRefusal(objects: readonly ObjectRef[], place: string, rule: string): HopFault {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ key }) => key);
  // Not by the words alone: a policy may be named no-egress.
  const direction = /"(ingress|egress) not allowed by /.exec(rule)?.[1];
  const [first = ''] = policies;
  const [namespace, name] = first.split('/');
  if (policies.length === 0) {
    return {
      code: 'PolicyUnknownPod',
      message: `dropped at ${place}: kube-proxy of this node does not know this pod's address yet, and policies drop what they do not know`,
      remedy:
        'see the log of kube-proxy of this node: hack/logs NODE/kube-proxy, or journalctl -u k8ts-kube-proxy there',
    };
  }
  const which = policies.length === 1 ? `NetworkPolicy ${first} does` : `NetworkPolicies ${policies.join(', ')} do`;
  const side =
    direction === 'egress' ? 'the sender may not send this (egress)' : 'the receiver may not get this (ingress)';
  return {
    code: direction === 'egress' ? 'EgressPolicy' : 'IngressPolicy',
    message: `${which} not allow it: ${side}`,
    remedy: `kubectl edit networkpolicy -n ${namespace} ${name}`,
  };
}

/**
 * A rule of kube-proxy refuses: an earlier rule, of the Service, has marked the packet for it. A map of nftables shows no comment of an
 * element in its rule, so the reason may be missing; those who read the Service know it.
 */
function serviceRefusal(steps: readonly Step[], { rule }: RuleStep, how: string, place: string): HopFault {
  const rules = steps.filter((step): step is RuleStep => step.step === 'rule');
  const service = rules.flatMap(({ objects }) => objects).findLast(({ kind }) => kind === 'Service');
  if (service === undefined) {
    const noService = /no Service has this address|a ClusterIP without such a port/.test(rule);
    return {
      code: noService ? 'NoSuchService' : 'ServiceRefuses',
      message: noService
        ? `no Service has this address and port, as kube-proxy of this node knows: ${how} (${place})`
        : `${how} by kube-proxy: ${place}: ${rule}`,
    };
  }
  const [namespace, name] = service.key.split('/');
  const said = rules.map((step) => step.rule).join('\n');
  const slices = `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name}`;
  const edit = `kubectl edit service -n ${namespace} ${name}`;
  if (said.includes(': not in a source range')) {
    const message = `the sender's address is in no range of loadBalancerSourceRanges of Service ${service.key}: ${how}`;
    return { code: 'SourceRange', message, remedy: edit };
  }
  if (said.includes('has no local endpoints')) {
    const message = `Service ${service.key} has no ready endpoint on this node, and its traffic policy is Local: ${how}`;
    return { code: 'NoLocalEndpoints', message, remedy: slices };
  }
  if (said.includes('has no endpoints')) {
    return { code: 'NoEndpoints', message: `Service ${service.key} has no ready endpoint: ${how}`, remedy: slices };
  }
  // After those above: the rule for other ports stands at the end, and a port without endpoints comes to it, too.
  if (said.includes(': no such port')) {
    return { code: 'NoSuchPort', message: `Service ${service.key} has no such port: ${how}`, remedy: edit };
  }
  return {
    code: 'ServiceRefuses',
    message: `${how} by kube-proxy for Service ${service.key}: ${place}`,
    remedy: slices,
  };
}
