// From the kernel's errors to outcomes of a probe. Pure.
import type { ProbeResult } from './request';

export type Outcome = ProbeResult['outcome'];
export interface Verdict {
  readonly outcome: Outcome;
  readonly error: string;
}

/** Name of the error → outcome, and what it means where the name does not say it (connect(2), ip(7), udp(7), icmp(7)). */
const meanings: Readonly<Record<string, readonly [Outcome, string?]>> = {
  ECONNREFUSED: ['refused'],
  ECONNRESET: ['reset'],
  ECONNABORTED: ['reset'],
  // A write after the RST of the other side.
  EPIPE: ['reset'],
  ETIMEDOUT: ['timeout'],
  EHOSTUNREACH: ['unreachable'],
  ENETUNREACH: ['unreachable'],
  EHOSTDOWN: ['unreachable'],
  ENETDOWN: ['unreachable'],
  ENONET: ['unreachable'],
  ENOPROTOOPT: ['unreachable', 'the other side does not know the protocol'],
  EPROTO: ['unreachable', 'an ICMP error about the header of the packet'],
  EMSGSIZE: ['unreachable', 'the packet is too large for the path'],
  // fib_props in net/ipv4/fib_semantics.c: the error of each type of route.
  EINVAL: ['unreachable', 'a blackhole route, or an address that no packet may have'],
  EACCES: ['unreachable', 'a route of type prohibit, a rule that refuses, or a broadcast address'],
  EPERM: ['unreachable', "a rule of the sender's own namespace drops the packet"],
  EADDRINUSE: ['failed', 'another socket has the source port'],
  EADDRNOTAVAIL: ['failed', 'the namespace has no such source address, or the source port is not free yet'],
};

/** @param code the name of an errno, or any other word */
export function verdictOf(code: string): Verdict {
  const [outcome, words] = (Object.hasOwn(meanings, code) ? meanings[code] : undefined) ?? ['failed'];
  return { outcome, error: words === undefined ? code : `${code}: ${words}` };
}
