// Rules that stop packets, in what iptables-save and nft print with counters. Pure. Lines without counts are passed over early: with 5,000
// Services there are tens of thousands.
import type { PacketsAndBytes, StoppedTraffic } from '../../controlplane/base/traffic';
import type { Family } from '../netfilter/model';
import { chainPrefix, chains, marks } from '../netfilter/names';
import { commentsOfLine } from '../netfilter/parse';
import type { NftTable } from '../path/nft/tables';
import { policiesOfComment, serviceOfComment } from '../path/objects';
import { writerOf } from '../path/writers';
import { chainNames, tableName as policyTable } from '../policy/names';
import { chains as nftChains } from '../service/nft/names';
import type { ReadCounter } from './growing';

const maxRuleText = 1_000;
const hex = (mark: number) => `0x${mark.toString(16)}/0x${mark.toString(16)}`;
const refusals = [
  { words: `--set-xmark ${hex(marks.reject)}`, verdict: 'reject' },
  { words: `--set-xmark ${hex(marks.drop)}`, verdict: 'drop' },
] as const;

/**
 * What iptables-save -c prints. A rule of kube-proxy in table nat marks what a Service refuses, and a rule for all Services in table filter
 * stops it: the first names the Service, so that is the one reported. Each packet meets it, because a refused one leaves no connection behind.
 */
export function stoppedByIptables(family: Family, dump: string): readonly ReadCounter[] {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  const found: ReadCounter[] = [];
  const refused = new Refused();
  let table = '';
  for (let start = 0; start < dump.length; ) {
    const end = dump.indexOf('\n', start);
    const line = dump.slice(start, end < 0 ? undefined : end);
    start = end < 0 ? dump.length : end + 1;
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith(':')) found.push(...byPolicyOfChain(line, `${program} -t ${table}`));
    else if (line.startsWith('[') && !line.startsWith('[0:')) {
      found.push(...byRule(line, `${program} -t ${table}`, refused));
    }
  }
  return found;
}

/**
 * A Service's port without endpoints marks the packet, and so does the rule at the end of the Service, for all other ports: a mark does not
 * end the way of a packet. It counts once, for the first of them.
 */
class Refused {
  private readonly before = new Map<string, PacketsAndBytes>();

  /** What the rule has counted, without packets that an earlier rule for this address has marked. */
  first(
    chain: string,
    text: string,
    { packets, bytes }: PacketsAndBytes,
  ): PacketsAndBytes & Pick<ReadCounter, 'isDifference'> {
    const address = / -d (\S+)/.exec(text)?.[1];
    if (address === undefined) return { packets, bytes };
    const key = `${chain} ${address}`;
    const others = this.before.get(key) ?? { packets: 0, bytes: 0 };
    const isLast = text.includes(': no such port"');
    this.before.set(key, { packets: others.packets + packets, bytes: others.bytes + bytes });
    // The counters are not read at one moment.
    if (!isLast || others.packets === 0) return { packets, bytes };
    return {
      packets: Math.max(0, packets - others.packets),
      bytes: Math.max(0, bytes - others.bytes),
      isDifference: true,
    };
  }
}

// :FORWARD DROP [12:720]
function byPolicyOfChain(line: string, place: string): readonly StoppedTraffic[] {
  const [, chain, packets, bytes] = /^:(\S+) DROP \[(\d+):(\d+)\]/.exec(line) ?? [];
  if (chain === undefined || packets === '0') return [];
  const counted = { packets: Number(packets), bytes: Number(bytes) };
  return [{ ...counted, verdict: 'drop', cause: 'other', objects: [], pods: [], rule: `${place} -P ${chain} DROP` }];
}

// [12:720] -A K8TS-D-0 -d 10.96.0.9/32 -p tcp -m comment --comment "shop/web:http has no endpoints" -m tcp --dport 80 -j MARK --set-xmark 0x2000/0x2000
function byRule(line: string, place: string, refused: Refused): readonly ReadCounter[] {
  const [, packets, bytes, text, chain] = /^\[(\d+):(\d+)\] (-A (\S+).*)$/.exec(line) ?? [];
  if (text === undefined || chain === undefined || chain === chains.verdict) return [];
  const verdict = verdictOfLine(text);
  if (verdict === undefined) return [];
  const comments = commentsOfLine(text);
  const all = { packets: Number(packets), bytes: Number(bytes) };
  const counted = chain.startsWith(chainPrefix) ? refused.first(chain, text, all) : all;
  if (counted.packets === 0) return [];
  const services = ofKubeProxy(chain) ? comments.flatMap(serviceOfComment).map(({ key }) => key) : [];
  return [
    {
      ...counted,
      verdict,
      cause: ofKubeProxy(chain) ? 'service' : 'other',
      objects: [...new Set(services)],
      pods: [],
      rule: `${place} ${text}`.slice(0, maxRuleText),
    },
  ];
}

const ofKubeProxy = (chain: string): boolean =>
  /kube-proxy/.test(writerOf({ program: 'iptables', table: '', chain, next: [] }) ?? '');

function verdictOfLine(text: string): StoppedTraffic['verdict'] | undefined {
  if (text.includes('"')) {
    // Not the words of a comment.
    return verdictOfLine(text.replace(/"(?:[^"\\]|\\.)*"/g, ''));
  }
  if (text.endsWith(' -j DROP')) return 'drop';
  if (/ -j REJECT(?: |$)/.test(text)) return 'reject';
  return refusals.find(({ words }) => text.endsWith(words))?.verdict;
}

/** What the maps of tables say about the rules. */
export interface Maps {
  /** Addresses of the pods of a profile of policies, by its chain. */
  readonly podsOf: (chain: string) => readonly string[];
  /** Services that the table of Services refuses so: NAMESPACE/NAME. */
  readonly refused: (table: string, verdict: StoppedTraffic['verdict']) => readonly string[];
}

/** What `nft -n -t list ruleset` prints, as tables. Asks the maps only for rules that have stopped packets. */
export function stoppedByNft(tables: readonly NftTable[], maps: Maps): readonly ReadCounter[] {
  return tables.flatMap((table) => {
    const unknownPorts = isOfServices(table) ? unknownPortsIn(table) : [];
    const rest = { ...sumOf(unknownPorts) };
    const stopped = [...table.chains].flatMap(([chain, { rules }]) =>
      rules.flatMap((rule) => {
        const all = countedRule(rule);
        const isShared = isOfServices(table) && chain === nftChains.verdict && all?.verdict === 'reject';
        const counted = all && isShared ? lessened(all, rest) : all;
        if (counted === undefined || counted.packets === 0) return [];
        return [{ ...counted, ...meaningOf(table, chain, counted, maps), rule: nftText(table, chain, counted.rule) }];
      }),
    );
    return [...unknownPorts, ...stopped];
  });
}

const isOfServices = ({ label }: NftTable): boolean => /^ip6? (?:k8ts|kube-proxy)$/.test(label);

/** Packets to a port that no Service has: a rule of its own sends them to the rule that refuses for all Services. */
const unknownPortsIn = (table: NftTable): readonly StoppedTraffic[] =>
  (table.chains.get(nftChains.services)?.rules ?? []).flatMap((rule) => {
    const [whole, packets, bytes] = /counter packets ([1-9]\d*) bytes (\d+) goto mark-for-reject /.exec(rule) ?? [];
    if (whole === undefined) return [];
    const text = nftText(table, nftChains.services, rule.replace(/counter packets \d+ bytes \d+ /, ''));
    const counted = { packets: Number(packets), bytes: Number(bytes) };
    return [{ ...counted, verdict: 'reject', cause: 'service', objects: [], pods: [], rule: text }];
  });

const sumOf = (counted: readonly PacketsAndBytes[]): PacketsAndBytes => ({
  packets: counted.reduce((sum, { packets }) => sum + packets, 0),
  bytes: counted.reduce((sum, { bytes }) => sum + bytes, 0),
});

/** Takes `rest` away from the rule, and from `rest` what it took. The counters are not read at one moment. */
function lessened(rule: CountedRule, rest: { packets: number; bytes: number }): CountedRule {
  const packets = Math.min(rule.packets, rest.packets);
  const bytes = Math.min(rule.bytes, rest.bytes);
  rest.packets -= packets;
  rest.bytes -= bytes;
  const isDifference = packets > 0 ? { isDifference: true as const } : {};
  return { ...rule, packets: rule.packets - packets, bytes: rule.bytes - bytes, ...isDifference };
}

interface CountedRule extends Pick<ReadCounter, 'packets' | 'bytes' | 'verdict' | 'isDifference'> {
  /** Without the counts, so that it is the same in each reading. */
  readonly rule: string;
}

/** Undefined for a rule that stops nothing, has stopped nothing, or does not count. */
export function countedRule(rule: string): CountedRule | undefined {
  const [whole, packets, bytes] = /counter packets ([1-9]\d*) bytes (\d+) /.exec(rule) ?? [];
  if (whole === undefined) return undefined;
  const verdict = /(?:^| )(drop|reject)(?: with [a-z0-9 -]+)?$/.exec(rule.replace(/ comment "[^"]*"$/, ''))?.[1];
  if (verdict !== 'drop' && verdict !== 'reject') return undefined;
  return { packets: Number(packets), bytes: Number(bytes), verdict, rule: rule.replace(whole, '') };
}

const nftText = ({ label }: NftTable, chain: string, rule: string): string =>
  `nft ${label} ${chain}: ${rule}`.slice(0, maxRuleText);

const commentOf = (rule: string): string => / comment "([^"]*)"$/.exec(rule)?.[1] ?? '';

type Meaning = Pick<StoppedTraffic, 'cause' | 'objects' | 'direction' | 'pods'>;

function meaningOf(table: NftTable, chain: string, counted: CountedRule, maps: Maps): Meaning {
  const { label, chains: all } = table;
  // Not its twin for bridges, which stops frames that did not pass the rules of policies, such as groups of neighbour discovery.
  if (label === `inet ${policyTable}`) {
    const direction = directionOf(chain);
    return {
      cause: 'policy',
      objects: policiesOf(all.get(chain)?.rules ?? []),
      ...(direction === undefined ? {} : { direction }),
      pods: maps.podsOf(chain),
    };
  }
  if (!isOfServices(table)) {
    return { cause: 'other', objects: [], pods: [] };
  }
  const named = serviceOfComment(commentOf(counted.rule)).map(({ key }) => key);
  const objects = named.length === 0 && chain === nftChains.verdict ? maps.refused(label, counted.verdict) : named;
  return { cause: 'service', objects, pods: [] };
}

/** All policies that select the pods of a profile: its rules jump to one after the other, and only the last rule's comment may be cut. */
const policiesOf = (rules: readonly string[]): readonly string[] => [
  ...new Set(rules.flatMap((rule) => policiesOfComment(commentOf(rule))).map(({ key }) => key)),
];

function directionOf(chain: string): StoppedTraffic['direction'] {
  if (chain.startsWith('to-') || chain === chainNames.enter) return 'ingress';
  if (chain.startsWith('from-') || chain === chainNames.leave) return 'egress';
  return undefined;
}
