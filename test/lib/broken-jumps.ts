// Jumps that lead nowhere: the kernel refuses a rule set that has one. Pure.
import type { RuleSet } from '../../dataplane/netfilter/model';
import { renderRule } from '../../dataplane/netfilter/render';

/** Every jump or goto whose chain does not exist in its table, as rendered lines; empty for a correct rule set. */
export function brokenJumps(rules: RuleSet): string[] {
  const broken: string[] = [];
  for (const chains of rules.values()) {
    for (const { name, rules: list } of chains.values()) {
      for (const rule of list) {
        const { action } = rule;
        if ((action.target === 'jump' || action.target === 'goto') && !chains.has(action.chain)) {
          broken.push(renderRule(name, rule, 4));
        }
      }
    }
  }
  return broken;
}
