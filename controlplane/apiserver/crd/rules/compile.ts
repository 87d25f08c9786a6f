// Compiles the rules of one schema: `self` is the value, `oldSelf` the value that it replaces. As upstream, of metadata the rules see
// only name and generateName.
import { resolveFieldPath } from '../../../api/crd/field-path';
import { readDefinition, readField } from '../../../api/schema/definition';
import type { Definition, FieldSchema, ObjectSchema, ValidationRule } from '../../../api/schema/schema';
import type { SizedType } from '../../../cel/cost/sizes';
import { CelEnvironment, type CelProgram } from '../../../cel/engine';
import { CelCompileError } from '../../../cel/errors';
import { restricted } from './restrict';
import { maxOccurrences, sizedType } from './sizes';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly environment: CelEnvironment;
  readonly program: CelProgram | CelCompileError;
  readonly message: CelProgram | CelCompileError | undefined;
  /** A rule about the change: not evaluated without an old value, unless that is optional. */
  readonly readsOld: boolean;
  /** The field at fault, relative to the value. */
  readonly field: string;
}

const text: FieldSchema = { type: 'string' };
const metadata: ObjectSchema = { fields: { name: text, generateName: text } };

/** The rules of one schema. Each is compiled at its first use: a thousand take 200 ms, so the caller gives way between them. */
export class SchemaRules {
  private readonly rules: readonly ValidationRule[];
  private readonly compiled: CompiledRule[] = [];
  private self: FieldSchema | undefined;
  private plain: CelEnvironment | undefined;
  private optional: CelEnvironment | undefined;

  /** `isRoot`: the schema is that of a whole object. */
  constructor(
    private readonly schema: Definition,
    private readonly isRoot: boolean,
  ) {
    this.rules = schema['x-kubernetes-validations'] ?? [];
  }

  /** What rules may cost at most, from the sizes that the schema allows. */
  get sizes(): SizedType | undefined {
    return sizedType(this.schema, this.isRoot);
  }

  /** How often a rule runs at most for one object; `bounded` is what the schemas around say. */
  occurrences(bounded: number | undefined): number {
    return bounded ?? maxOccurrences(this.schema, this.isRoot);
  }

  get count(): number {
    return this.rules.length;
  }

  at(i: number): CompiledRule {
    this.compiled[i] ??= this.compile(this.rules[i]!);
    return this.compiled[i];
  }

  private compile(rule: ValidationRule): CompiledRule {
    const environment = rule.optionalOldSelf ? this.withOptional() : this.withPlain();
    const program = compile(environment, rule.rule, 'bool');
    const { messageExpression = '', fieldPath = '' } = rule;
    const path = fieldPath === '' ? '' : resolveFieldPath(fieldPath, this.schema, true);
    return {
      rule,
      environment,
      program,
      message: messageExpression === '' ? undefined : compile(environment, messageExpression, 'string'),
      readsOld: !(program instanceof CelCompileError) && program.reads('oldSelf'),
      field: typeof path === 'string' ? '' : path.text,
    };
  }

  private withPlain(): CelEnvironment {
    this.plain ??= new CelEnvironment({ self: this.type(), oldSelf: this.type() });
    return this.plain;
  }

  private withOptional(): CelEnvironment {
    if (!this.optional) {
      this.optional = new CelEnvironment({ self: this.type() });
      this.optional.declareOptional('oldSelf', 'self');
    }
    return this.optional;
  }

  private type(): FieldSchema {
    const texts = this.rules.flatMap(({ rule, messageExpression }) => [rule, messageExpression ?? '']);
    const schema = restricted(this.schema, texts);
    this.self ??= this.isRoot
      ? { type: 'object', object: readDefinition(schema, { name: '', metadata }) }
      : readField(schema, { metadata });
    return this.self;
  }
}

function compile(environment: CelEnvironment, expression: string, result: string): CelProgram | CelCompileError {
  try {
    return environment.compile(expression, result);
  } catch (error) {
    if (error instanceof CelCompileError) return error;
    throw error;
  }
}
