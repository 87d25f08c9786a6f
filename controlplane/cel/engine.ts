// Compiles and runs expressions of CEL, the language of validation rules, admission policies and match conditions. The library
// parses, checks types and evaluates; this file adds what Kubernetes adds: cost limits and messages in the words of cel-go.
import {
  type ASTNode,
  TypeError as CelTypeError,
  Environment,
  EvaluationError,
  Optional,
  ParseError,
} from '@marcbachmann/cel-js';
import type { FieldSchema } from '../api/schema/schema';
import { Activation, type Context } from './activation';
import { type CostBudget, CostExceeded } from './budget';
import { goType, placedError } from './compile-errors';
import { wrongConstant } from './constant-calls';
import { estimateCost } from './cost/estimate';
import type { SizedType } from './cost/sizes';
import { CelCompileError, CelEvaluationError, renderCompileError } from './errors';
import { registerExtensions } from './extensions/register';
import { mixedLiteral } from './homogeneous';
import { type MessageTypes, noMessages, rewriteLiterals } from './literals';
import { meter } from './meter';
import { widenHas } from './presence';
import { joinNames } from './qualified-names';
import { renameCalls } from './renamed-calls';
import { spending } from './spending';
import { checkTypes } from './type-errors';
import { type DeclaredType, TypeDeclarations } from './types';

/** Longer expressions are refused. Source: upstream's limit for rules. */
const maxExpressionBytes = 64 * 1024;
const limits = {
  maxAstNodes: 10_000,
  maxDepth: 100,
  maxListElements: 1_000,
  maxMapEntries: 1_000,
  maxCallArguments: 32,
};

const base = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits });
registerExtensions(base);

/**
 * Variables of expressions: `dyn`, or the schema of what the variable holds. Names of fields that are CEL's words are escaped, but not
 * those of `plain` schemas: request.namespace.
 */
export type Variables = Readonly<Record<string, 'dyn' | FieldSchema | { readonly plain: FieldSchema }>>;

function declared(types: TypeDeclarations, schema: Variables[string], path: string): DeclaredType {
  if (schema === 'dyn') return types.of({ type: 'any' }, path);
  return 'plain' in schema ? types.of(schema.plain, path, (name) => name) : types.of(schema, path);
}

/** Expressions over the same variables. */
export class CelEnvironment {
  private readonly environment: Environment;
  private readonly variables = new Map<string, DeclaredType>();

  /** @param extend registers further types and functions; `messages` are the types of its literals */
  constructor(
    variables: Variables,
    extend: (environment: Environment) => void = () => {},
    private readonly messages: MessageTypes = noMessages,
  ) {
    this.environment = base.clone();
    extend(this.environment);
    const types = new TypeDeclarations(this.environment);
    for (const [name, schema] of Object.entries(variables)) {
      const type = declared(types, schema, `object.${name}`);
      this.variables.set(name, type);
      this.environment.registerVariable(name, type.name);
    }
  }

  /** A variable whose values are those of CEL already. Its name may have a dot: variables.x. */
  declare(name: string, type: string): void {
    if (this.variables.has(name)) return;
    this.environment.registerVariable(name, type);
    this.variables.set(name, { name: type, convert: (value) => value });
  }

  /** A variable that may be absent: an optional value of the type of another variable. */
  declareOptional(name: string, other: string): void {
    const { name: inner, convert } = this.variables.get(other)!;
    const type = `optional<${inner}>`;
    this.environment.registerVariable(name, type);
    this.variables.set(name, {
      name: type,
      convert: (value) => (value === undefined ? Optional.none() : Optional.of(convert(value))),
    });
  }

  /** The values for several expressions; `converted` are CEL's already. A variable that is not named is null. */
  activation(
    values: Readonly<Record<string, () => unknown>>,
    converted: Readonly<Record<string, () => unknown>> = {},
  ): Activation {
    const activation = new Activation();
    for (const [name, { convert }] of this.variables) {
      if (converted[name]) activation.define(name, converted[name]);
      else activation.define(name, values[name] ?? (() => null), convert);
    }
    return activation;
  }

  /**
   * @param result the type that the expression must have, for example bool; dyn: any type
   * @throws CelCompileError
   */
  compile(expression: string, result: string): CelProgram {
    if (Buffer.byteLength(expression) > maxExpressionBytes) {
      throw new CelCompileError(`the expression is longer than ${maxExpressionBytes} bytes`);
    }
    const { text, placeOf } = rewriteLiterals(expression, this.messages);
    const parsed = this.parse(expression, text, placeOf);
    renameCalls(parsed.ast);
    joinNames(parsed.ast, (name) => this.variables.has(name));
    widenHas(parsed.ast);
    const { errors, type } = checkTypes(parsed);
    if (errors.length > 0) throw this.compileError(expression, text, errors, placeOf);
    const mixed = mixedLiteral(parsed.ast);
    if (mixed) throw this.compileError(expression, text, [mixed], placeOf);
    this.checkConstants(expression, text, parsed.ast, placeOf);
    if (result !== 'dyn' && type !== result && (type !== 'dyn' || selections.has(parsed.ast.op))) {
      throw new CelCompileError(`must evaluate to ${goType(result)} but got ${goType(type)}`);
    }
    return new CelProgram(parsed, this.variables, result, type);
  }

  /** @throws CelCompileError for a call with literals that fails always */
  private checkConstants(expression: string, text: string, ast: ASTNode, placeOf: (position: number) => number): void {
    const wrong = wrongConstant(ast, (part) => base.parse(part)({}), text);
    if (!wrong) return;
    if (wrong.place === undefined) throw new CelCompileError(`program instantiation failed: ${wrong.summary}`);
    throw new CelCompileError(
      `compilation failed: ${renderCompileError(expression, placeOf(wrong.place), wrong.summary)}`,
    );
  }

  private functionNames: ReadonlySet<string> | undefined;

  private isFunction(name: string): boolean {
    this.functionNames ??= new Set(this.environment.getDefinitions().functions.map((each) => each.name));
    return this.functionNames.has(name);
  }

  private compileError(
    expression: string,
    text: string,
    errors: readonly unknown[],
    placeOf: (position: number) => number,
  ): CelCompileError {
    const [only] = errors;
    if (only instanceof CelCompileError) return only;
    const found = errors.map((err) => this.placed(expression, text, err, placeOf)).sort((a, b) => a.at - b.at);
    const texts = found.map(({ at, summary }) => renderCompileError(expression, at, summary));
    return new CelCompileError(`compilation failed: ${texts.join('\n')}`);
  }

  /** In cel-go's words, at an offset into the expression. */
  private placed(
    expression: string,
    text: string,
    err: unknown,
    placeOf: (position: number) => number,
  ): { readonly at: number; readonly summary: string } {
    if (!(err instanceof ParseError || err instanceof CelTypeError || err instanceof EvaluationError)) throw err;
    const { summary, place } = placedError(err, text, (name) => this.isFunction(name));
    if (place !== undefined) return { at: placeOf(place), summary };
    const start = placeOf(err.range?.start ?? 0);
    // cel-go marks the dot before a field.
    const at = expression[start - 1] === '.' ? start - 1 : start;
    return { at, summary: summaryOf({ summary, name: err.name }) };
  }

  private parse(expression: string, text: string, placeOf: (position: number) => number) {
    try {
      return this.environment.parse(text);
    } catch (err) {
      throw this.compileError(expression, text, [err], placeOf);
    }
  }
}

/** Expressions whose type cel-go does not know either. For others the library knows less: their values are looked at. */
const selections: ReadonlySet<string> = new Set(['.', '[]', 'id']);

function readsName(part: unknown, name: string): boolean {
  if (typeof part !== 'object' || part === null) return false;
  if ('op' in part && 'args' in part) {
    if (part.op === 'id') return part.args === name;
    return readsName(part.args, name);
  }
  return Object.values(part).some((inner) => readsName(inner, name));
}

/** Result → typeof, for results of which expressions of unknown type are accepted. */
const checkedResults: Readonly<Record<string, string>> = { bool: 'boolean', string: 'string' };

interface Parsed {
  (variables: Record<string, unknown>): unknown;
  readonly ast: ASTNode;
}

/** The values of an object's variables, converted once for all expressions that run on them. */
export type Values = Readonly<Record<string, unknown>>;

export class CelProgram {
  private readonly budget: { current: CostBudget | undefined } = { current: undefined };

  constructor(
    private readonly parsed: Parsed,
    private readonly variables: ReadonlyMap<string, DeclaredType>,
    private readonly result: string,
    /** As the library names types: int, list<string>, dyn. */
    readonly type: string,
  ) {
    meter(parsed.ast, (units) => this.budget.current?.spend(units));
  }

  /** Its type is unknown to cel-go, too: a field or an element of a value without a schema. */
  get isUnknown(): boolean {
    return this.type === 'dyn' && selections.has(this.parsed.ast.op);
  }

  /** Whether the expression has a variable of this name, also where it is not evaluated. */
  reads(variable: string): boolean {
    return readsName(this.parsed.ast, variable);
  }

  /** What an evaluation costs at most, in units of upstream's estimate. `self`: what its paths begin with. */
  estimate(self: SizedType): number {
    return estimateCost(this.parsed.ast, self).max;
  }

  /** @throws CelEvaluationError, CostExceeded */
  run(values: Values, budget: CostBudget): unknown {
    return this.evaluate(this.converted(values), budget);
  }

  /** On values that are CEL's already. @throws CelEvaluationError, CostExceeded */
  evaluate(context: Context, budget: CostBudget): unknown {
    const before = budget.startCall();
    this.budget.current = budget;
    let value: unknown;
    try {
      value = spending(budget, () => this.parsed(context));
    } catch (err) {
      // An expression can hide the error of one branch, so the budget is asked and not the error.
      if (budget.exceeded) throw new CostExceeded(budget.exceeded);
      if (err instanceof EvaluationError) throw new CelEvaluationError(summaryOf(err));
      // JavaScript's own refusal of a value, for instance of a text that would be too long.
      if (err instanceof RangeError) throw new CelEvaluationError(summaryOf({ summary: err.message, name: err.name }));
      throw err;
    } finally {
      this.budget.current = undefined;
      budget.endCall(before);
    }
    if (budget.exceeded) throw new CostExceeded(budget.exceeded);
    const expected = checkedResults[this.result];
    if (expected && typeof value !== expected) throw new CelEvaluationError(`must evaluate to ${this.result}`);
    return value;
  }

  private converted(values: Values): Record<string, unknown> {
    return Object.fromEntries([...this.variables].map(([name, { convert }]) => [name, convert(values[name]) ?? null]));
  }
}

/** The library's words → cel-go's. */
const words: readonly (readonly [RegExp, string])[] = [
  [/^Unknown variable: (.*)$/, "undeclared reference to '$1' (in container '')"],
  [/^No such key: index out of bounds, index (-?\d+) .*$/, 'index out of bounds: $1'],
  [/^No such key: (.*)$/, 'no such key: $1'],
  [/^no such overload: .*$/s, 'no such overload'],
  [/^(?:Logical operator requires|Ternary condition must be) bool.*$/s, 'no such overload'],
  [/^found no matching overload for '(?:.*\.)?(\w+)\(.*$/s, 'no such overload: $1'],
  [/^modulo by zero$/, 'modulus by zero'],
  [/^integer overflow: .*$/, 'integer overflow'],
  [/^Unsigned integer overflow$/, 'unsigned integer overflow'],
  [/^Optional value is not present$/, 'optional.none() dereference'],
  [/^(int|uint|double)\(\) type error: .*$/, "type conversion error from 'string' to '$1'"],
  [
    /^timestamp\(\) requires a string in ISO 8601 format$/,
    "type conversion error from 'string' to 'google.protobuf.Timestamp'",
  ],
  [/^Invalid duration string: .*$/s, "type conversion error from 'string' to 'google.protobuf.Duration'"],
  [/^string\.substring\(start, end\): .*$/, 'invalid substring range'],
];

function summaryOf({ summary, name }: { summary: string; name: string }): string {
  const undefinedField = /^No such key: (.*)$/.exec(summary);
  if (undefinedField && name === 'TypeError') return `undefined field '${undefinedField[1]}'`;
  return words.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), summary);
}
