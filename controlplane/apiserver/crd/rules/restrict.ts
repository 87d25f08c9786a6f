// The part of a schema that expressions can reach: fields whose names they do not have keep no structure. The engine declares a type for
// each object, in 0.1 ms; a schema may have thousands of objects.
import { isSchema } from '../../../api/crd/walk';
import type { Definition } from '../../../api/schema/schema';
import { escapeField } from '../../../cel/field-names';

/** Objects beyond this number have no declared type: their fields are looked at in the evaluation only. */
const maxObjects = 150;

const opaque: Definition = { 'x-kubernetes-preserve-unknown-fields': true };

export function restricted(schema: Definition, expressions: readonly string[]): Definition {
  const names = new Set(expressions.flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []));
  let objects = 0;
  const restrict = (at: Definition): Definition => {
    const { items, additionalProperties: values, properties } = at;
    if (isSchema(items)) return { ...at, items: restrict(items) };
    if (isSchema(values)) return { ...at, additionalProperties: restrict(values) };
    if (!properties) return at;
    if (++objects > maxObjects) return opaque;
    const kept = Object.entries(properties).map(([key, property]): [string, Definition] => {
      const isScalar = property.type !== 'object' && property.type !== 'array';
      if (isScalar) return [key, property];
      return [key, names.has(escapeField(key)) ? restrict(property) : opaque];
    });
    return { ...at, properties: Object.fromEntries(kept) };
  };
  return restrict(schema);
}
