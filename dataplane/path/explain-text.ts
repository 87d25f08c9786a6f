// Renders explanations of rules as text for people. Pure.
import type { Answer, Explanation, Jump } from './explain';
import type { ListedRule } from './listed-rules';
import { renderObject } from './text';

/** Longer lists say less. */
const maxExplained = 5;

export function renderAnswer({ exact, explanations }: Answer): string {
  if (explanations.length === 0) return 'No rule on this node has these words, or the same comment.\n';
  const first = exact ? [] : ['No rule on this node has exactly these words. With the same comment:', ''];
  const shown = explanations.slice(0, maxExplained).flatMap((one) => [...renderExplanation(one), '']);
  const left = explanations.length - maxExplained;
  return `${[...first, ...shown, ...(left > 0 ? [`... and ${left} more`, ''] : [])].join('\n').trimEnd()}\n`;
}

function renderExplanation({ rule, writer, effect, objects, way, callers, element }: Explanation): string[] {
  const field = (name: string, text: string) => `  ${name.padEnd(9)}${text}`;
  return [
    `${rule.program} ${placeOf(rule)}`,
    `      ${rule.text}`,
    ...(element ? [field('element', `${element.element}, which leads to ${element.chain}`)] : []),
    ...(effect === undefined ? [] : [field('does', effect)]),
    ...(objects.length === 0 ? [] : [field('for', objects.map(renderObject).join(', '))]),
    field('by', writer ?? 'a program or a person that is not known by its names: the kernel keeps no owner of a rule'),
    ...(way === undefined
      ? [field('reached', 'by no packet: no rule leads to its chain')]
      : [
          field(
            'reached',
            `from ${way.hook}${callers > 1 ? `; ${callers} rules and elements lead to its chain, one of them` : ''}`,
          ),
          ...way.jumps.flatMap(renderJump),
        ]),
  ];
}

const placeOf = ({ table, chain, line }: ListedRule): string => `${table} ${chain}:${line}`;

function renderJump({ rule, element }: Jump): string[] {
  return [`    ${placeOf(rule)}${element === undefined ? '' : `, element ${element}`}`, `      ${rule.text}`];
}
