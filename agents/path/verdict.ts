// One sentence at the end: it works, or the first hop that fails. Pure.
import type { LocatedHop, Verdict } from './report';

export interface Judged {
  readonly from: string;
  readonly to: string;
  readonly hops: readonly LocatedHop[];
  /** How many endpoints may be chosen. */
  readonly ends: number;
}

export function judge({ from, to, hops, ends }: Judged): Verdict {
  const stopped = hops.findIndex(({ state }) => state === 'stops');
  if (stopped >= 0) return because('no', stopped, hops, `${from} does not reach ${to}`);
  const doubtful = hops.findIndex(({ state }) => state === 'doubtful');
  if (doubtful >= 0) return because('unsure', doubtful, hops, `${from} may not reach ${to}`);
  const unknown = hops.findIndex(({ state }) => state === 'unknown');
  if (unknown >= 0) {
    const [fact = 'this hop could not be judged'] = hops[unknown]!.facts.toReversed();
    return {
      works: 'unsure',
      code: 'Unknown',
      hop: unknown,
      sentence: `Nothing found that stops ${from} on its way to ${to}, but: ${fact}.`,
    };
  }
  const many = ends > 1 ? `, by each of ${Math.min(ends, 3)} of its ${ends} endpoints that were followed` : '';
  return {
    works: 'yes',
    sentence: `${capital(from)} reaches ${to}${many}: nothing on the way stops it, nor the answer.`,
  };
}

function because(works: 'no' | 'unsure', index: number, hops: readonly LocatedHop[], what: string): Verdict {
  const { fault, node, leg, name } = hops[index]!;
  const where = node ? ` (at ${name} on node ${node}${leg === 'answer' ? ', on the way of the answer' : ''})` : '';
  const message = fault?.message ?? 'the packet ends here';
  return {
    works,
    code: fault?.code ?? 'Unknown',
    hop: index,
    sentence: `${capital(what)}: ${message}${where}.`,
    ...(fault?.remedy ? { remedy: fault.remedy } : {}),
  };
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
