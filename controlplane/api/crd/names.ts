// Which names of a CustomResourceDefinition are accepted: a name that another definition of the group has is refused, and the names
// that were accepted before stay. Pure.
import type { CrdCondition, CrdNames, CustomResourceDefinition } from './types';

type Verdict = Omit<CrdCondition, 'lastTransitionTime'>;

export interface NamesDecision {
  readonly names: CrdNames;
  /** The condition NamesAccepted. */
  readonly condition: Verdict;
}

/** `others` are the other definitions of the group. */
export function acceptNames(
  { spec, status }: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): NamesDecision {
  const taken = others.flatMap((other) => (other.status ? [other.status.acceptedNames] : []));
  const resources = new Set(
    taken.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames]),
  );
  const kinds = new Set(taken.flatMap(({ kind, listKind }) => [kind, listKind]));
  const { names: asked } = spec;
  const names: CrdNames = { ...(status?.acceptedNames ?? { plural: '', kind: '' }) };
  let condition: Verdict = {
    type: 'NamesAccepted',
    status: 'True',
    reason: 'NoConflicts',
    message: 'no conflicts found',
  };
  const accept = <K extends keyof CrdNames>(field: K, used: ReadonlySet<unknown>, values: readonly unknown[]) => {
    const before: readonly unknown[] = [names[field]].flat();
    const conflicts = values.filter((value) => used.has(value) && !before.includes(value));
    if (conflicts.length === 0) {
      if (asked[field] === undefined) delete names[field];
      else names[field] = asked[field];
      return;
    }
    condition = { type: 'NamesAccepted', status: 'False', reason: reasonOf(field), message: inUse(conflicts) };
  };
  accept('plural', resources, [asked.plural]);
  accept('singular', resources, [asked.singular]);
  accept('shortNames', resources, asked.shortNames ?? []);
  accept('kind', kinds, [asked.kind]);
  accept('listKind', kinds, [asked.listKind]);
  accept('categories', new Set(), []);
  return { names, condition };
}

/** PluralConflict, ShortNamesConflict. */
const reasonOf = (field: string): string => `${field[0]!.toUpperCase()}${field.slice(1)}Conflict`;

/** Several errors in one text, as Go's aggregate prints them. */
function inUse(names: readonly unknown[]): string {
  const texts = [...new Set(names.map((name) => `${JSON.stringify(name)} is already in use`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}
