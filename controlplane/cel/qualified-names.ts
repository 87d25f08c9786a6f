// Variables with a dot in their name: variables.replicas, authorizer.requestResource. The parser reads such a name as a field of another
// variable; before the check the field becomes the variable. So each variable has a type of its own and is computed when it is read.
import type { ASTNode } from '@marcbachmann/cel-js';

/** @param isVariable whether the name, with its dot, is a variable */
export function joinNames(root: ASTNode, isVariable: (name: string) => boolean): void {
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (isField(value)) {
      const [owner, field] = value.args;
      const name = owner.op === 'id' ? `${String(owner.args)}.${field}` : '';
      if (name !== '' && isVariable(name)) {
        Object.assign(value, { op: 'id', args: name });
        Object.assign(value.meta, { check: owner.meta.check, evaluate: owner.meta.evaluate });
        return;
      }
    }
    for (const inner of Object.values(value)) visit(inner);
    if ('meta' in value) visit(value.meta);
  };
  visit(root);
}

/** The parts of the library's nodes that are used here. */
interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly meta: { readonly check?: unknown; readonly evaluate?: unknown };
}
interface Field extends Node {
  readonly args: readonly [Node, string];
}

const isField = (value: object): value is Field => 'op' in value && value.op === '.' && 'meta' in value;
