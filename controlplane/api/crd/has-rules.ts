// Whether a schema has rules in CEL anywhere: most have none, and their objects need no evaluation.
import type { Definition } from '../schema/schema';
import { anySchema } from './walk';

const known = new WeakMap<Definition, boolean>();

/** Looked up once per schema. */
export function hasRules(schema: Definition): boolean {
  let found = known.get(schema);
  if (found === undefined) {
    found = anySchema(schema, (one) => (one['x-kubernetes-validations']?.length ?? 0) > 0);
    known.set(schema, found);
  }
  return found;
}
