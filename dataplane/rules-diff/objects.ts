// The API object behind a difference. The compilers write it into comments; where a text has none, the desired rules around it say more.
// Pure.
import { commentsOfLine } from '../netfilter/parse';
import type { TablePlan } from '../nftables/table-plan';
import type { ObjectRef } from '../path/journey';
import { policiesOfComment, serviceOfComment } from '../path/objects';
import { protocolNumbers } from '../service/nft/names';

/** Of a rule of a longer text, the first ones say enough. */
const maxObjects = 5;

/** Of lines as iptables-save prints them. */
export const objectsOfIptables = (lines: readonly string[]): readonly ObjectRef[] =>
  distinct(lines.flatMap((line) => commentsOfLine(line).flatMap(serviceOfComment)));

/** Of lines as nft prints them. `table`: `inet k8ts-policy`. */
export const objectsOfNft = (table: string, lines: readonly string[]): readonly ObjectRef[] =>
  distinct(lines.flatMap((line) => commentObjects(table, line)));

function commentObjects(table: string, line: string): readonly ObjectRef[] {
  const [, comment] = / comment "([^"]*)"/.exec(line) ?? [];
  if (comment === undefined) return [];
  return table.startsWith('inet ') ? policiesOfComment(comment) : serviceOfComment(comment);
}

/**
 * Of an element: by its comment; an endpoint by the Service address or node port in its key; anything else by the rules that look it
 * up.
 */
export function objectsOfElement(
  table: string,
  plan: TablePlan,
  { set, key, text }: { readonly set: string; readonly key: string; readonly text: string },
): readonly ObjectRef[] {
  const own = objectsOfNft(table, [text]);
  if (own.length > 0) return own;
  const [, node, protocol] = /^(node-)?(tcp|udp|sctp)-endpoints$/.exec(set) ?? [];
  if (protocol !== undefined) {
    const number = protocolNumbers[protocol as keyof typeof protocolNumbers];
    const [first = '', second = ''] = key.split(' . ');
    const rest = node
      ? plan.elements.get('node-ports')?.get(`${number} . ${first}`)
      : plan.elements.get('services')?.get(`${first} . ${number} . ${second}`);
    return rest === undefined ? [] : objectsOfNft(table, [rest]);
  }
  const users = [...plan.chains.values()].flatMap(({ rules }) =>
    rules.split('\n').filter((rule) => new Set(rule.split(' ')).has(`@${set}`)),
  );
  return objectsOfNft(table, users);
}

function distinct(objects: readonly ObjectRef[]): readonly ObjectRef[] {
  const seen = new Map<string, ObjectRef>();
  for (const one of objects) {
    // A chain of a Service names one endpoint in each rule.
    const { kind, key } = one;
    const port = 'port' in one ? one.port : undefined;
    const name = `${kind} ${key} ${port ?? ('rule' in one ? one.rule : '')}`;
    if (!seen.has(name)) seen.set(name, kind === 'NetworkPolicy' ? one : { kind, key, ...(port ? { port } : {}) });
    if (seen.size === maxObjects) break;
  }
  return [...seen.values()];
}
