// Marks that rules of other programs give a packet: kube-proxy refuses or masquerades by the mark, policies skip by it, and policy routing
// chooses a table by it. Pure.
import type { HopFault } from '../../controlplane/base/hops';
import { marks } from '../netfilter/names';
import type { RuleStep, Step } from '../path/journey';
import { seenMark } from '../policy/names';
import { type Removing, removalOf, writerOfStep } from './foreign-rule';

/** What each bit means to k8ts. */
const meanings: readonly (readonly [bit: number, meaning: string])[] = [
  [marks.reject, 'by which kube-proxy refuses a packet'],
  [marks.drop, 'by which kube-proxy drops a packet'],
  [marks.masquerade, 'by which kube-proxy masquerades a packet'],
  [seenMark, 'which says that policies have seen a packet'],
];

export const hex = (mark: number): string => `0x${mark.toString(16)}`;

/** The last rule of another program that has changed one of these bits. */
export const changedBy = (steps: readonly Step[], bits: number): RuleStep | undefined =>
  steps.findLast(
    (step): step is RuleStep =>
      step.step === 'rule' &&
      ((step.before.mark ^ step.after.mark) & bits) !== 0 &&
      !writerOfStep(step)?.includes('of k8ts'),
  );

/** The bits by which kube-proxy stops a packet. */
export const refusing = marks.reject | marks.drop;

/**
 * A rule of another program that changes a bit which k8ts uses.
 *
 * @param bits only these; absent: each of them
 */
export function foreignMark(steps: readonly Step[], removing: Removing, bits = ~0): HopFault | undefined {
  for (const [bit, meaning] of meanings) {
    const step = (bit & bits) === 0 ? undefined : changedBy(steps, bit);
    if (step !== undefined) return markFault(step, bit, meaning, removing);
  }
  return undefined;
}

function markFault(step: RuleStep, bit: number, meaning: string, removing: Removing): HopFault {
  const does = (step.after.mark & bit) === 0 ? 'takes away' : 'sets';
  return {
    code: 'ForeignMark',
    message: `a rule of ${writerOfStep(step) ?? 'another program'} ${does} the mark ${hex(bit)}, ${meaning}: ${placeOf(step)}: ${step.rule}`,
    remedy: `on the node: ${removalOf(step, removing)}`,
  };
}

const placeOf = ({ table, chain, line }: RuleStep): string => `${table} ${chain}:${line}`;

/** Why the packet takes another route than without its mark. */
export const byMark = (mark: number, steps: readonly Step[]): string => {
  const step = changedBy(steps, mark);
  const who = step ? `, which ${placeOf(step)} has set: ${step.rule}` : '';
  return `a rule of policy routing chooses this way by the mark ${hex(mark)}${who}`;
};
