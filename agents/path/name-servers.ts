// The name servers of a pod, asked as the pod would ask them: a plan says what the zone of the cluster has, an answer what clients get.
import { AppError } from '../../controlplane/base/errors';
import type { HopOrigin, ProbeCame } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { ClusterReader } from './cluster';
import { logOf } from './log-of';

export interface Asked {
  readonly node: string;
  readonly from: HopOrigin;
  /** In the order of resolv.conf. */
  readonly servers: readonly string[];
  /** The name that the resolver ends with. */
  readonly name: string;
  /** Of a name that is an alias: what it leads to, outside the cluster. */
  readonly alias?: string;
  readonly family: 4 | 6;
  /** The resolver asks by TCP alone. */
  readonly tcp?: boolean;
  /** What the zone has; empty: only servers outside the cluster know it. */
  readonly expected: readonly string[];
}

/** The hop that only a report with probes has. */
export const askedName = 'name servers, asked';

/** resolv.conf(5): more are not asked. */
const maxServers = 3;
const timeoutMs = 1_000;
/** glibc waits so long before it asks the next server; musl asks all at once. */
const resolverWaitS = 5;

export interface Answers {
  /** Absent when nothing could be asked: another hop says why. */
  readonly hop?: LocatedHop;
  /** What the first server that answers says. */
  readonly addresses: readonly string[];
}

/** @param byTcp asked by TCP, after a datagram that said too little or as resolv.conf says */
export type Said = ProbeCame & { readonly byTcp?: boolean };

/** Never rejects: a caller who may not send gets the plan alone. */
export async function askNameServers(asked: Asked, cluster: ClusterReader): Promise<Answers> {
  const { node, from, name, family } = asked;
  const servers = asked.servers.slice(0, maxServers);
  if (from.kind === 'machine' || servers.length === 0) return { addresses: [] };
  const dns = { name, type: family === 4 ? ('A' as const) : ('AAAA' as const) };
  const ask = async (protocol: 'udp' | 'tcp', which: readonly string[]): Promise<readonly Said[]> => {
    const requests = which.map((address) => ({ protocol, address, port: 53, timeoutMs, dns }));
    const { results } = await cluster.probe(node, { from, requests });
    return results.map((came) => (protocol === 'tcp' ? { ...came, byTcp: true } : came));
  };
  try {
    const results = await ask(asked.tcp ? 'tcp' : 'udp', servers);
    const first = results.findIndex((came) => came.dns !== undefined);
    if (asked.tcp || !isCut(results[first])) return judgeAnswers(asked, results);
    const [again] = await ask('tcp', [servers[first]!]);
    return judgeAnswers(asked, again ? results.with(first, again) : results);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { addresses: [] };
  }
}

const isCut = (came: Said | undefined): boolean => came?.dns?.truncated === true && came.dns.addresses.length === 0;

/** Pure. @param results one for each of the first servers */
export function judgeAnswers(
  { node, servers, name, family, expected, alias, tcp: byTcpAlone = false }: Asked,
  results: readonly Said[],
): Answers {
  const facts = results.map(({ outcome, dns, totalMs, error, byTcp }, i) => {
    const said = dns
      ? `${dns.code}${dns.addresses.length > 0 ? `, ${dns.addresses.join(', ')}` : ''}`
      : [outcome, error].filter(Boolean).join(': ');
    return `${servers[i]} asked${byTcp ? ' by TCP' : ''} for ${name}: ${said} (${totalMs.toFixed(1)} ms)`;
  });
  const base = { kind: 'name', name: askedName, facts, leg: 'name', node } as const;
  const first = results.findIndex(({ dns }) => dns !== undefined);
  const said = results[first]?.dns;
  if (said === undefined) {
    const who = servers.slice(0, results.length).join(', ');
    const unsent = results.every(({ outcome }) => outcome === 'failed') ? results[0]?.error : undefined;
    if (unsent !== undefined) {
      const message = `its question to the name server ${servers[0]} cannot be sent: ${unsent}`;
      const remedy = 'look at what limits the sender: tc -s qdisc show, and its sysctls, in its network namespace';
      return { hop: { ...base, state: 'stops', fault: { code: 'NotSent', message, remedy } }, addresses: [] };
    }
    const tcp = results.some(({ byTcp }) => byTcp);
    const why = tcp && !byTcpAlone ? 'its answer is too long for a datagram, and a resolver asks again by TCP' : '';
    const how = tcp ? ` by TCP${byTcpAlone ? ', as options use-vc of resolv.conf says' : ''}` : '';
    const message = `no name server answers${how} (${who}): ${results.map(({ outcome }) => outcome).join(', ')}${why && `; ${why}`}`;
    const remedy = logOf('dns', node);
    return { hop: { ...base, state: 'stops', fault: { code: 'DnsDown', message, remedy } }, addresses: [] };
  }
  const { addresses, code } = said;
  if (isCut(results[first])) {
    const more = `the answer of ${servers[first]} is too long for a datagram, and does not come whole by TCP`;
    return { hop: { ...base, state: 'unknown', facts: [...facts, more] }, addresses };
  }
  if (expected.length > 0 && addresses.length === 0) {
    const message = `the name server ${servers[first]} answers ${code} for ${name}, which the Services say is ${expected.join(', ')}`;
    return { hop: { ...base, state: 'stops', fault: { code: 'NameAnswersOther', message } }, addresses };
  }
  if (expected.length > 0 && !addresses.some((address) => expected.includes(address))) {
    const message = `the name server ${servers[first]} says that ${name} is ${addresses.join(', ')}, the Services say ${expected.join(', ')}`;
    return { hop: { ...base, state: 'doubtful', fault: { code: 'NameAnswersOther', message } }, addresses };
  }
  if (expected.length === 0 && addresses.length === 0) {
    const message = `the name server ${servers[first]} answers ${code} for ${name}${alias ? `, an alias of ${alias}` : ''}: no address of IPv${family}`;
    const remedy =
      code === 'SERVFAIL'
        ? `it cannot ask the servers behind it: ${logOf('dns', node)}`
        : 'see whether the name is right; spec.externalName of a Service may say it';
    return { hop: { ...base, state: 'stops', fault: { code: 'NameNotResolved', message, remedy } }, addresses };
  }
  if (first > 0) {
    const message = `the first name server, ${servers[0]}, does not answer: each look-up may wait ${resolverWaitS} s before it asks ${servers[first]}`;
    const remedy = 'take it out of dnsConfig.nameservers of the pod, or out of resolv.conf of the node';
    return { hop: { ...base, state: 'doubtful', fault: { code: 'NameServerSilent', message, remedy } }, addresses };
  }
  return { hop: { ...base, state: 'passes' }, addresses };
}
