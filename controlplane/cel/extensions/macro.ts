// The parts of the library that macros use: its checker, its evaluator, and the contexts of their variables.
import { CelCompileError } from '../errors';

export interface CelType {
  readonly kind: string;
  readonly name: string;
  readonly keyType?: CelType;
  readonly valueType?: CelType;
  isDynOrBool(): boolean;
}

export interface Node {
  readonly op: string;
  readonly args: unknown;
}

/** The variables in scope; a context with one more variable is created at the check and reused at each evaluation. */
export interface Context {
  forkWithVariable(name: string, type: CelType): Context;
  reuse(parent: Context): Context;
  setIterValue(value: unknown, evaluator: Evaluator): Context;
}

export interface TypeChecker {
  readonly registry: {
    getOptionalType(type: CelType): CelType;
    getListType(type: CelType): CelType;
    getMapType(key: CelType, value: CelType): CelType;
  };
  check(node: Node, context: Context): CelType;
  getType(name: string): CelType;
  createError(code: string, message: string, node: Node): Error;
}

export interface Evaluator {
  run(node: Node, context: Context): unknown;
}

/** What a macro's function returns: the library calls the two functions with this object. */
export interface Macro {
  readonly async: false;
  typeCheck(checker: TypeChecker, macro: Macro, context: Context): CelType;
  evaluate(evaluator: Evaluator, macro: Macro, context: Context): unknown;
}

/** The name of a variable that a macro declares. */
export function nameOf(node: Node): string {
  if (node.op === 'id' && typeof node.args === 'string') return node.args;
  throw new CelCompileError('argument must be a simple name');
}
