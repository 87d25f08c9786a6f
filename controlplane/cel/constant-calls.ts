// Calls whose arguments are literals: what would fail at every evaluation is refused when the expression is written, as upstream does
// while it checks and prepares a program.
import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';

export interface ConstantError {
  readonly summary: string;
  /** Of the argument: an offset into the text. Undefined: the error of the whole program. */
  readonly place?: number;
}

interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
}

/** @param evaluate the value of a constant expression; it throws what is wrong */
export function wrongConstant(
  root: ASTNode,
  evaluate: (text: string) => unknown,
  text: string,
): ConstantError | undefined {
  let left = maxChecks;
  for (const node of nodesOf(root)) {
    const [argument] = callOf(node)?.args ?? [];
    const literal = argument && literalOf(argument);
    if (literal === undefined) continue;
    left -= effortOf(literal);
    if (left < 0) return undefined;
    const error = errorOf(node, evaluate, text);
    if (error) return error;
  }
  return undefined;
}

/** An expression may have thousands of literals, and patterns with repetitions are large programs: what is left fails when it runs. */
const maxChecks = 4_000;
const effortOf = (literal: unknown): number =>
  typeof literal === 'string' ? 40 + literal.length * (literal.includes('{') ? 20 : 1) : 40;

function errorOf(node: Node, evaluate: (text: string) => unknown, text: string): ConstantError | undefined {
  const call = callOf(node);
  const [argument] = call?.args ?? [];
  const literal = argument && literalOf(argument);
  if (!call || !argument || literal === undefined) return undefined;
  const { name } = call;
  switch (name) {
    case 'duration':
    case 'timestamp':
      return fails(() => evaluate(text.slice(node.start, endOf(node))))
        ? { summary: `invalid ${name} argument`, place: argument.start }
        : undefined;
    case 'matches':
    case 'matchesLinear':
      return typeof literal === 'string' && patternError(literal) !== undefined
        ? { summary: 'invalid matches argument', place: argument.start }
        : undefined;
    case 'find':
    case 'findAll': {
      const error = typeof literal === 'string' ? patternError(literal) : undefined;
      return error === undefined ? undefined : { summary: error };
    }
    case 'int':
    case 'uint':
    case 'double':
      if (!fails(() => evaluate(text.slice(node.start, endOf(node))))) return undefined;
      return {
        summary:
          typeof literal === 'string'
            ? `type conversion error from 'string' to '${name}'`
            : `${name === 'uint' ? 'unsigned ' : ''}integer overflow`,
      };
    default:
      return undefined;
  }
}

const endOf = (node: Node): number => (node as Node & { readonly end: number }).end;

function callOf({ op, args }: Node): { readonly name: string; readonly args: readonly Node[] } | undefined {
  if (op === 'call') {
    const [name, list] = args as [string, readonly Node[]];
    return { name, args: list };
  }
  if (op !== 'rcall') return undefined;
  const [name, , list] = args as [string, Node, readonly Node[]];
  return { name, args: list };
}

/** Also of a negative number. */
function literalOf({ op, args }: Node): unknown {
  if (op === 'value') return args;
  const inner = op === '-_' ? (args as Node) : undefined;
  return inner?.op === 'value' ? -(inner.args as bigint) : undefined;
}

function fails(evaluate: () => unknown): boolean {
  try {
    evaluate();
    return false;
  } catch {
    return true;
  }
}

function patternError(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

function* nodesOf(part: unknown): Iterable<Node> {
  if (typeof part !== 'object' || part === null) return;
  if ('op' in part && 'args' in part && 'start' in part) yield part as Node;
  for (const inner of Object.values('args' in part ? [part.args] : part)) yield* nodesOf(inner);
}
