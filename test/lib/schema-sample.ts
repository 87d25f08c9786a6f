// An object of a kind with every field its schema has, made from the schema alone: complete, though not valid. And the ways to
// spoil one field of an object.
import type { FieldSchema, ObjectSchema } from '../../controlplane/api/schema/schema';

/** Definitions contain each other; a chain of the same one is cut here. */
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

type Step = string | number;
export type Path = readonly Step[];

/** The paths of everything in an object, outermost first. */
export function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const steps: Step[] = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  return steps.flatMap((step) => {
    const path = [...at, step];
    return [path, ...pathsOf((value as Record<Step, unknown>)[step], path)];
  });
}

/** What may stand in place of a field; undefined takes the field away. */
export const replacements: readonly unknown[] = [undefined, null, {}, [], '', 0, -1, false, 'x y', [null], { x: null }];

/** A copy of `object` with `value` at the path. */
export function spoiled<T>(object: T, path: Path, value: unknown): T {
  const copy = structuredClone(object);
  let parent = copy as Record<Step, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<Step, unknown>;
  const last = path.at(-1)!;
  if (value !== undefined) parent[last] = structuredClone(value);
  else if (Array.isArray(parent)) parent.splice(last as number, 1);
  else delete parent[last];
  return copy;
}
