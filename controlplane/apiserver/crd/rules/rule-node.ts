// The schemas with rules in CEL inside a schema, as a tree: values of other schemas are not visited. Rules are compiled when an object
// is first checked: a definition may have thousands, and most objects have few of the fields.
import { hasRules } from '../../../api/crd/has-rules';
import { isSchema } from '../../../api/crd/walk';
import type { Definition } from '../../../api/schema/schema';
import { SchemaRules } from './compile';

export class RuleNode {
  readonly items: RuleNode | undefined;
  readonly values: RuleNode | undefined;
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly rules: SchemaRules;

  constructor(
    readonly schema: Definition,
    isRoot: boolean,
  ) {
    this.rules = new SchemaRules(schema, isRoot);
    const { items, additionalProperties: values, properties = {} } = schema;
    this.items = isSchema(items) ? childOf(items) : undefined;
    this.values = isSchema(values) ? childOf(values) : undefined;
    this.properties = new Map(
      Object.entries(properties).flatMap(([key, property]) => {
        const child = childOf(property);
        return child ? [[key, child] as const] : [];
      }),
    );
  }
}

/** Of a value inside an object; undefined for a schema without rules. */
export const childOf = (schema: Definition): RuleNode | undefined =>
  hasRules(schema) ? new RuleNode(schema, schema['x-kubernetes-embedded-resource'] ?? false) : undefined;

const roots = new WeakMap<Definition, RuleNode>();

/** Undefined for a schema without rules. Found again for the same schema, with its compiled rules. */
export function rulesOf(schema: Definition): RuleNode | undefined {
  if (!hasRules(schema)) return undefined;
  let root = roots.get(schema);
  if (!root) {
    root = new RuleNode(schema, true);
    roots.set(schema, root);
  }
  return root;
}
