// The functions behind the literals that ../literals.ts rewrites: optional parts of lists and maps, and messages.
import { type Environment, Optional } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';
import { literalFunctions, type MessageTypes } from '../literals';

/** A part of a literal that may be absent. */
class Part {
  constructor(readonly value: Optional) {}
}

const isAbsent = (value: unknown): boolean => value instanceof Part && !value.value.hasValue();
const unwrapped = (value: unknown): unknown => (value instanceof Part ? value.value.value() : value);

export function registerOptionalParts(environment: Environment): void {
  const { optional, present } = literalFunctions;
  environment
    .registerType('k8ts.Part', { ctor: Part, fields: {} })
    .registerFunction(`${optional}(dyn): dyn`, (value: unknown) => {
      if (value instanceof Optional) return new Part(value);
      throw new CelEvaluationError('the value of an optional part must be optional');
    })
    .registerFunction(`${present}(list): list<dyn>`, (list: readonly unknown[]) =>
      list.filter((value) => !isAbsent(value)).map(unwrapped),
    )
    .registerFunction(`${present}(map): map<dyn, dyn>`, (map: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(
        Object.entries(map)
          .filter(([, value]) => !isAbsent(value))
          .map(([key, value]) => [key, unwrapped(value)]),
      ),
    );
}

/** A message that an expression created. */
export class CelMessage {
  readonly fields = new Map<string, unknown>();

  constructor(readonly type: string) {}

  set(field: string, value: unknown): this {
    if (!isAbsent(value)) this.fields.set(field, unwrapped(value));
    return this;
  }
}
/** An apply configuration: Object{}. */
class ObjectMessage extends CelMessage {}
/** An operation of a JSON patch: JSONPatch{}. */
class PatchMessage extends CelMessage {}

const patchFields = new Set(['op', 'path', 'from', 'value']);

/** Object, Object.spec.template ... and JSONPatch: the messages of mutations. */
export const mutationMessages: MessageTypes = {
  create(type) {
    if (type === 'Object') return `${literalFunctions.create}Object()`;
    if (type === 'JSONPatch') return `${literalFunctions.create}JSONPatch()`;
    return type.startsWith('Object.') ? `${literalFunctions.create}("${type}")` : undefined;
  },
  hasField: (type, field) => type !== 'JSONPatch' || patchFields.has(field),
};

export function registerMutationMessages(environment: Environment): void {
  const { create, set } = literalFunctions;
  const setField = (message: CelMessage, field: string, value: unknown) => message.set(field, value);
  environment
    .registerType('Object', { ctor: ObjectMessage })
    .registerType('JSONPatch', { ctor: PatchMessage })
    .registerType('k8ts.Message', { ctor: CelMessage })
    .registerFunction(`${create}Object(): Object`, () => new ObjectMessage('Object'))
    .registerFunction(`${create}JSONPatch(): JSONPatch`, () => new PatchMessage('JSONPatch'))
    .registerFunction(`${create}(string): k8ts.Message`, (type: string) => new CelMessage(type));
  for (const type of ['Object', 'JSONPatch', 'k8ts.Message']) {
    environment.registerFunction(`${type}.${set}(string, dyn): ${type}`, setField);
  }
}
