// has(e.field). The library takes only a chain of fields from a variable, and does not look whether the fields exist; in cel-go `e` is any
// expression: has(self[0].name), has(self.filter(x, x.a)[0].b). So the check is ours, and the evaluation stays the library's.
// Source: "Macros" in the specification of CEL.
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Macro, Node, TypeChecker } from './extensions/macro';

/** The library's macro. It evaluates the last of `macroHasProps` and then looks for one field after the other, backwards. */
interface HasMacro extends Macro {
  readonly args: readonly Node[];
  macroHasProps?: readonly Node[];
}
interface Call extends Node {
  readonly args: readonly unknown[];
  readonly start: number;
  readonly input: string;
  readonly meta: { readonly macro?: HasMacro };
}
type Selection = Node & { readonly args: readonly [Node, string] };

const isSelection = (node: Node): node is Selection => node.op === '.' || node.op === '.?';

function check(call: Call, checker: TypeChecker, context: Parameters<Macro['typeCheck']>[2]): readonly Node[] {
  let node = call.meta.macro!.args[0]!;
  if (node.op !== '.') throw checker.createError('invalid_macro_argument', 'invalid argument to has() macro', node);
  checker.check((node as Selection).args[0], context);
  try {
    checker.check(node, context);
  } catch (err) {
    throw fieldError(call, checker, err);
  }
  const parts: Node[] = [];
  while (isSelection(node)) {
    parts.push(node);
    node = node.args[0];
  }
  return [...parts, node];
}

/** cel-go marks the bracket of has( for a wrong field. */
function fieldError({ input, start }: Call, checker: TypeChecker, err: unknown): unknown {
  if (!(err instanceof Error && 'summary' in err && 'code' in err)) return err;
  const summary = String(err.summary).replace(
    /^Cannot index type '(.*)'$/,
    "type '$1' does not support field selection",
  );
  const pos = input.indexOf('(', start);
  return checker.createError(String(err.code), summary, {
    op: 'call',
    args: [],
    ...{ input, pos, start: pos, end: pos },
  });
}

/** To be called before the check, once for each expression. */
export function widenHas(root: ASTNode): void {
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (!('op' in value && 'args' in value)) {
      for (const inner of Object.values(value)) visit(inner);
      return;
    }
    if (isHas(value)) {
      const macro = value.meta.macro!;
      macro.typeCheck = (checker, _macro, context) => {
        macro.macroHasProps = check(value, checker, context);
        return checker.getType('bool');
      };
    }
    visit(value.args);
  };
  visit(root);
}

function isHas(node: object): node is Call {
  const { op, args, meta } = node as Partial<Call>;
  return op === 'call' && Array.isArray(args) && args[0] === 'has' && meta?.macro !== undefined;
}
