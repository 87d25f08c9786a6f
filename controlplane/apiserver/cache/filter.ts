// Which objects a list or a watch selects. Pure.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Filter } from './cache';
import { indexFunction } from './object-index';
import type { Test } from './watcher';

/** A key is `namespace/name` or `name`. */
export const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1);

/** Undefined: all objects. @throws BadRequest for a field that the kind does not declare */
export function testOf<T extends KubeObject>(
  kind: Kind<T>,
  { namespace, name, matches, indexed }: Filter<T>,
): Test<T> | undefined {
  const tests: Test<T>[] = [];
  if (name !== undefined) tests.push((entry) => nameOf(entry.key) === name);
  if (namespace !== undefined) {
    const prefix = `${namespace}/`;
    tests.push((entry) => entry.key.startsWith(prefix));
  }
  if (indexed) {
    const fieldOf = indexFunction(kind, indexed.index);
    tests.push((entry) => fieldOf(entry.object) === indexed.value);
  }
  if (matches) tests.push((entry) => matches(entry.object));
  if (tests.length === 0) return undefined;
  return tests.length === 1 ? tests[0] : (entry) => tests.every((test) => test(entry));
}
