// One sentence at the end: it works, or the first hop that fails. Pure.
import type { LocatedHop, Verdict } from '../../controlplane/base/path-report';

export interface Judged {
  readonly from: string;
  readonly to: string;
  /** The plan: what objects and kernels say. */
  readonly hops: readonly LocatedHop[];
  /** What was tried out, the most telling first; in the report they follow the plan. */
  readonly probes: readonly LocatedHop[];
  /** How many endpoints may be chosen. */
  readonly ends: number;
  /** Some of its endpoints can be reached, and some not. */
  readonly isPart?: boolean;
}

export function judge(judged: Judged): Verdict {
  const { from, to, hops, probes, ends, isPart = false } = judged;
  const failed = probes.findIndex(({ state }) => state === 'stops');
  const find = (state: LocatedHop['state']) => hops.findIndex((hop) => hop.state === state);
  const stopped = find('stops');
  // A datagram that nothing answers may have arrived: it proves nothing against the plan.
  const isSilent = probes[0]?.facts[0]?.startsWith('timeout') === true;
  const worked = probes.length > 0 && failed < 0 && !(stopped >= 0 && isSilent);
  if (isPart && (stopped >= 0 || failed >= 0)) {
    const what = `${from} reaches ${to} by some of its endpoints only`;
    return because(
      stopped >= 0
        ? { works: 'unsure', index: stopped, hops, what }
        : { works: 'unsure', index: hops.length + failed, hops: [...hops, ...probes], what },
      stopped >= 0 ? confirmation(probes[failed]) : '',
    );
  }
  const loss = probes.findIndex(({ fault }) => fault?.code === 'LostByChance');
  if (loss >= 0) {
    const what = `${from} reaches ${to}, but not always`;
    return because({ works: 'unsure', index: hops.length + loss, hops: [...hops, ...probes], what });
  }
  if (stopped >= 0 && worked) {
    if (hops[stopped]!.rules?.at(-1)?.byChance) {
      const what = `${from} reaches ${to}, but not always: chance decides at a rule`;
      return because({ works: 'unsure', index: stopped, hops, what });
    }
    if (!elsewhere.has(hops[stopped]!.fault?.code ?? '')) return disagreement(judged, stopped);
    const what = `${from} does not reach ${to}, though something answers`;
    return because({ works: 'no', index: stopped, hops, what });
  }
  const misled = hops.findIndex(({ fault, state }) => fault?.code === 'NameAnswersOther' && state === 'doubtful');
  if (stopped >= 0 && misled >= 0) {
    const so = ` So the packet goes there, and ends: ${inline(hops[stopped]!.fault?.message ?? 'nothing answers')}.`;
    return because({ works: 'no', index: misled, hops, what: `${from} does not reach ${to}` }, so);
  }
  if (stopped >= 0)
    return because(
      { works: 'no', index: stopped, hops, what: `${from} does not reach ${to}` },
      confirmation(probes[failed], { at: hops[stopped]!, ends }),
    );
  const failure = probes[failed]?.fault?.message;
  // Of a rule whose words are not known, a probe that was lost on another node says nothing.
  const lostAt = nodeOf(failure);
  // What has arrived has found its neighbours.
  const hasArrived = probes[failed]?.fault?.code === 'NoAnswer';
  // What was accepted no rule has dropped; one that rejects may have looked into it.
  const isAccepted = accepted.has(probes[failed]?.fault?.code ?? '');
  const doubtful = hops.findIndex(
    ({ state, fault, node, kind, leg }) =>
      state === 'doubtful' &&
      !(kind === 'neighbour' && leg !== 'answer' && hasArrived) &&
      !(fault?.code === 'UnreadRule' && isAccepted && !/reject/i.test(fault.message)) &&
      !(fault?.code === 'UnreadRule' && lostAt !== undefined && node !== lostAt),
  );
  if (failed >= 0) {
    const what = `${from} does not reach ${to}`;
    // A doubt that came true explains more than the silence after it.
    if (doubtful >= 0) return because({ works: 'no', index: doubtful, hops, what }, confirmation(probes[failed]));
    return because({ works: 'no', index: hops.length + failed, hops: [...hops, ...probes], what });
  }
  const slow = probes.findIndex(({ state }) => state === 'doubtful');
  // What a program does not answer may be stopped by a rule that looks into packets, or counts them.
  const unread = hops.findIndex(({ fault }) => fault?.code === 'UnreadRule');
  if (slow >= 0 && unread >= 0)
    return because(
      { works: 'unsure', index: unread, hops, what: `${from} reaches ${to}, but not well` },
      confirmation(probes[slow]),
    );
  if (slow >= 0)
    return because({
      works: 'unsure',
      index: hops.length + slow,
      hops: [...hops, ...probes],
      what: `${from} reaches ${to}, but not well`,
    });
  // An answer that strays is noticed by the next packet only: a connection alone proves nothing.
  const strays = hops.findIndex(({ fault }) => fault?.code === 'AnswerStrays');
  if (strays >= 0 && worked && probes[0]!.facts[0]?.startsWith('connected')) {
    const what = `${from} opens connections to ${to}, but they may not work`;
    return because({ works: 'unsure', index: strays, hops, what });
  }
  // A probe is a new flow: it says nothing of an old one.
  const stale = hops.findIndex(({ fault }) => fault?.code === 'StaleFlow');
  if (stale >= 0)
    return because({
      works: 'unsure',
      index: stale,
      hops,
      what: `new flows of ${from} reach ${to}, an old one does not`,
    });
  const name = hops.findIndex(({ fault }) => nameFaults.has(fault?.code ?? ''));
  if (name >= 0)
    return because({
      works: 'unsure',
      index: name,
      hops,
      what: `${from} reaches ${to}, but its look-ups are slow or wrong`,
    });
  if (worked) {
    const [fact = ''] = probes[0]!.facts;
    return works(
      judged,
      isSilent
        ? ': a datagram arrived there; nothing answered it, and no program has to'
        : `: a probe arrived and was answered (${fact})`,
    );
  }
  if (doubtful >= 0) return because({ works: 'unsure', index: doubtful, hops, what: `${from} may not reach ${to}` });
  const unknown = find('unknown');
  if (unknown < 0) return works(judged, ': nothing on the way stops it, nor the answer');
  const [fact = 'this hop could not be judged'] = hops[unknown]!.facts.toReversed();
  const sentence = `Nothing found that stops ${from} on its way to ${to}, but: ${fact}.`;
  return { works: 'unsure', code: 'Unknown', hop: unknown, sentence };
}

/** The program has accepted the connection, and then did something else than answer. */
const accepted: ReadonlySet<string> = new Set(['Reset', 'Closed', 'TlsFails']);

/** The probe went to the address of the plan; clients ask for it. */
const nameFaults: ReadonlySet<string> = new Set(['NameServerSilent', 'NameAnswersOther']);

/** The packet goes to another machine, or the program has no port left, which a probe has: something may answer the probe. */
const elsewhere: ReadonlySet<string> = new Set(['ForeignNat', 'DuplicateAddress', 'LocalPortsUsedUp']);

function works({ from, to, ends }: Judged, how: string): Verdict {
  const many = ends > 1 ? `, by each of ${Math.min(ends, 3)} of its ${ends} endpoints that were followed` : '';
  return { works: 'yes', sentence: `${capital(from)} reaches ${to}${many}${how}.` };
}

/** The probe is the truth; the plan has misread something, or the cluster has changed meanwhile. */
function disagreement({ from, to, hops, probes }: Judged, index: number): Verdict {
  const { fault, name } = hops[index]!;
  const sentence = `${capital(from)} reaches ${to}: a probe says so (${probes[0]!.facts[0]}). But by the plan it stops at ${name}: ${fault?.message ?? 'unknown'}. One of them is wrong, or the cluster has just changed: ask again.`;
  return { works: 'unsure', code: 'PlanDisagrees', hop: index, sentence };
}

interface Because {
  readonly works: 'no' | 'unsure';
  readonly index: number;
  readonly hops: readonly LocatedHop[];
  readonly what: string;
}

function because({ works: verdict, index, hops, what }: Because, more = ''): Verdict {
  const { fault, node, leg, name, kind } = hops[index]!;
  const where =
    node && kind !== 'probe' && !name.includes(`node ${node}`)
      ? ` (at ${name} on node ${node}${leg === 'answer' ? ', on the way of the answer' : ''})`
      : '';
  const message = inline(fault?.message ?? 'the packet ends here');
  return {
    works: verdict,
    code: fault?.code ?? 'Unknown',
    hop: index,
    sentence: `${capital(what)}: ${message}${where}.${more}`,
    ...(fault?.remedy ? { remedy: fault.remedy } : {}),
  };
}

/** @param planned the hop that stops the packet by the plan: chance may have led the probe to another endpoint, on another node */
function confirmation(
  probe: LocatedHop | undefined,
  planned?: { readonly at: LocatedHop; readonly ends: number },
): string {
  if (probe?.fault === undefined) return '';
  const lostAt = nodeOf(probe.fault.message);
  const isOther =
    planned !== undefined && planned.ends > 1 && lostAt !== undefined && planned.at.node !== undefined
      ? lostAt !== planned.at.node
      : false;
  const what = isOther ? 'A probe, which chance led to another endpoint, fails too' : 'A probe confirms it';
  return ` ${what}: ${inline(probe.fault.message)}.`;
}

const nodeOf = (message: string | undefined): string | undefined => /\bof node ([\w.-]+)/.exec(message ?? '')?.[1];

/** What a kubelet or a program says may have lines, and a full stop of its own. */
function inline(message: string): string {
  const text = message.split(/\s/).filter(Boolean).join(' ');
  return text.endsWith('.') ? text.slice(0, -1) : text;
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
