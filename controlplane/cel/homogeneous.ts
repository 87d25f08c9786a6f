// Lists and maps in an expression have elements of one type, as in Kubernetes' environments of cel-go; a value of unknown type fits all.
// The library's own check refuses [object.metadata.name, 'x'], so it is switched off, and this one runs after the check of types.
import { type ASTNode, TypeError as CelTypeError } from '@marcbachmann/cel-js';

interface Checked {
  readonly op: string;
  readonly args: unknown;
  readonly checkedType?: { readonly name: string; readonly hasDynType: boolean; readonly hasPlaceholderType: boolean };
}

/** The error of the first literal with elements of two types. */
export function mixedLiteral(root: ASTNode): CelTypeError | undefined {
  const seen = new Set<object>();
  let found: CelTypeError | undefined;
  const visit = (value: unknown): void => {
    if (found || typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    // As cel-go: what is formatted may be of any types.
    if ('op' in value && value.op === 'rcall' && (value as Checked).args?.[0 as never] === 'format') return;
    if ('op' in value) found = errorOf(value as Checked & ASTNode);
    for (const inner of Object.values('meta' in value ? { ...value, meta: value.meta } : value)) visit(inner);
  };
  visit(root);
  return found;
}

function errorOf(node: Checked & ASTNode): CelTypeError | undefined {
  if (node.op === 'list') return mixed(node.args as readonly (Checked & ASTNode)[]);
  if (node.op !== 'map') return undefined;
  const entries = node.args as readonly (readonly (Checked & ASTNode)[])[];
  return mixed(entries.map(([key]) => key!)) ?? mixed(entries.map(([, value]) => value!));
}

function mixed(elements: readonly (Checked & ASTNode)[]): CelTypeError | undefined {
  let first: string | undefined;
  for (const element of elements) {
    const type = element.checkedType;
    if (!type || type.hasDynType || type.hasPlaceholderType) continue;
    first ??= type.name;
    if (type.name === first) continue;
    return new CelTypeError(`expected type '${first}' but found '${type.name}'`, element);
  }
  return undefined;
}
