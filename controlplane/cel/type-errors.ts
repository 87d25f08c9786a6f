// All errors of types in one expression. The library's check stops at the first one: the part that is wrong gets the type dyn, which
// fits everywhere, and the check runs again. It keeps the types of the parts that it knows already.
import { type ASTNode, Environment } from '@marcbachmann/cel-js';

/** Further errors are not looked for: each costs a walk down to it. cel-go reports up to 100. */
const maxErrors = 20;

interface Checked {
  checkedType?: unknown;
}

interface Parsed {
  readonly ast: ASTNode;
  check(): { readonly valid: boolean; readonly error?: unknown; readonly type?: string };
}

/** In the order in which the check finds them. Empty: the expression is valid, and has this type. */
export function checkTypes(parsed: Parsed): { readonly errors: readonly unknown[]; readonly type: string } {
  const errors: unknown[] = [];
  const repaired = new Set<object>();
  for (;;) {
    const { valid, error, type = 'dyn' } = parsed.check();
    if (valid) return { errors, type };
    const node = nodeOf(error);
    // The part of a macro that is checked in another way fails again.
    if (node && repaired.has(node)) return { errors, type };
    errors.push(error);
    if (!node || errors.length === maxErrors) return { errors, type };
    repaired.add(node);
    node.checkedType = dynType();
  }
}

function nodeOf(error: unknown): (object & Checked) | undefined {
  const node = typeof error === 'object' && error !== null && 'node' in error ? error.node : undefined;
  return typeof node === 'object' && node !== null ? node : undefined;
}

let known: unknown;

/** The library's own object for the type dyn, of which there is one. */
function dynType(): unknown {
  if (known === undefined) {
    const parsed = new Environment().parse('dyn(1)');
    parsed.check();
    known = (parsed.ast as Checked).checkedType;
  }
  return known;
}
