// What differs between a table in the kernel and the desired one: its parts, and the elements of its sets. Pure. The loops that repair
// rules and the command that shows differences both use it, so that they never disagree.
import type { NftTable } from './listing';
import { comment } from './text';

type Kind = 'missing' | 'changed' | 'extra';

export interface PartDifference {
  /** `chain services`, `map endpoints`, as tableParts() names them. */
  readonly part: string;
  readonly kind: Kind;
  /** Its lines as nft prints them; undefined: not desired. */
  readonly desired: string | undefined;
  /** Undefined: not in the kernel. */
  readonly actual: string | undefined;
}

export interface ElementDifference {
  readonly set: string;
  readonly key: string;
  readonly kind: Kind;
  /** The text after the key. */
  readonly desired: string | undefined;
  readonly actual: string | undefined;
}

const kindOf = (desired: string | undefined, actual: string | undefined): Kind =>
  actual === undefined ? 'missing' : desired === undefined ? 'extra' : 'changed';

/** Sorted by name. Both sides come from tableParts() of what nft printed. */
export function diffParts(
  desired: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
): readonly PartDifference[] {
  return [...new Set([...desired.keys(), ...actual.keys()])].sort().flatMap((part) => {
    const [want, have] = [desired.get(part), actual.get(part)];
    return want === have ? [] : [{ part, kind: kindOf(want, have), desired: want, actual: have }];
  });
}

/** Key of an element → the text after it. */
export function diffElements(
  set: string,
  desired: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
): readonly ElementDifference[] {
  const found: ElementDifference[] = [];
  const look = (key: string) => {
    const [want, have] = [desired.get(key), actual.get(key)];
    if (want !== have) found.push({ set, key, kind: kindOf(want, have), desired: want, actual: have });
  };
  for (const key of desired.keys()) look(key);
  for (const key of actual.keys()) if (!desired.has(key)) look(key);
  return found;
}

/** The elements of a set in the kernel, with the text after each key as a plan has it. */
export function elementTexts({ sets }: NftTable, name: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [key, { value, comment: words }] of sets.get(name) ?? []) {
    texts.set(key, `${words === undefined ? '' : ` ${comment(words)}`}${value === undefined ? '' : ` : ${value}`}`);
  }
  return texts;
}
