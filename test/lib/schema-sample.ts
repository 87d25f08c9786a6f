// Builds an object of a kind with every field of its schema, from the schema alone: complete, but not valid. And lists ways to
// spoil one field of an object.
import type { FieldSchema, ObjectSchema } from '../../controlplane/api/schema/schema';

/** Definitions may contain themselves; such a chain ends at this depth. */
const maxRepeats = 1;

export function fullObject(object: ObjectSchema): Record<string, unknown> {
  return sampleOf({ type: 'object', object }, []) as Record<string, unknown>;
}

function sampleOf(field: FieldSchema, inside: readonly ObjectSchema[]): unknown {
  switch (field.type) {
    case 'string':
      return field.format === 'byte' ? 'eA==' : field.format?.startsWith('date') ? '2026-01-01T00:00:00Z' : 'x';
    case 'integer':
    case 'number':
    case 'intOrString':
      return 1;
    case 'boolean':
      return true;
    case 'quantity':
      return '1';
    case 'any':
      return {};
    case 'array':
      return [sampleOf(field.items!, inside)];
    case 'map':
      return { x: sampleOf(field.items!, inside) };
    case 'object': {
      const object = field.object!;
      if (inside.filter((one) => one === object).length > maxRepeats) return {};
      const within = [...inside, object];
      return Object.fromEntries(Object.entries(object.fields).map(([key, one]) => [key, sampleOf(one, within)]));
    }
  }
}

/** A branch with more fields than this is left out where another branch is under test. */
const smallBranch = 40;

/** The object with all fields on the way to the path, and without the large branches that the path does not enter. */
export function around<T>(object: T, path: Path): T {
  if (path.length === 0 || typeof object !== 'object' || object === null) return object;
  if (Array.isArray(object)) return object.map((item, i) => (i === path[0] ? around(item, path.slice(1)) : item)) as T;
  const entries = Object.entries(object)
    .filter(([key, field]) => key === path[0] || pathsOf(field).length <= smallBranch)
    .map(([key, field]) => [key, key === path[0] ? around(field, path.slice(1)) : field]);
  return Object.fromEntries(entries) as T;
}

type Step = string | number;
export type Path = readonly Step[];

/** The paths of all fields of an object, outermost first. */
export function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const steps: Step[] = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  return steps.flatMap((step) => {
    const path = [...at, step];
    return [path, ...pathsOf((value as Record<Step, unknown>)[step], path)];
  });
}

/** Values to put in place of a field; undefined removes the field. */
export const replacements: readonly unknown[] = [undefined, null, {}, [], '', 0, -1, false, 'x y', [null], { x: null }];

/** A copy of `object`, which is JSON, with `value` at the path; undefined leaves the field out. Tests call it tens of thousands of times. */
export function spoiled<T>(object: T, path: Path, value: unknown): T {
  return copyOf(object, path, 0, value) as T;
}

function copyOf(part: unknown, path: Path, depth: number, value: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) {
    const items = part.map((item, i) =>
      i === path[depth] ? changed(item, path, depth, value) : copyOf(item, [], 0, undefined),
    );
    return items.filter((item) => item !== undefined);
  }
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(part)) {
    const next = key === path[depth] ? changed(field, path, depth, value) : copyOf(field, [], 0, undefined);
    if (next !== undefined) copy[key] = next;
  }
  return copy;
}

const changed = (field: unknown, path: Path, depth: number, value: unknown): unknown =>
  depth === path.length - 1 ? copyOf(value, [], 0, undefined) : copyOf(field, path, depth + 1, value);
