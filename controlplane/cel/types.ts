// The types of an expression's variables, from the schemas of objects: declares each object type once, and converts its values.

import { isDeepStrictEqual } from 'node:util';
import type { Environment } from '@marcbachmann/cel-js';
import type { FieldSchema, ObjectSchema } from '../api/schema/schema';
import { escapeField, isReadable } from './field-names';
import {
  absentObject,
  bytesValue,
  type CelObject,
  classOf,
  durationValue,
  dynamicValue,
  integerValue,
  type ToCel,
  timestampValue,
} from './values';

export interface DeclaredType {
  /** As cel-js names types: list<string>, map<string, int>, dyn. */
  readonly name: string;
  readonly convert: ToCel;
}

const text: DeclaredType = { name: 'string', convert: (value) => value };
const dynamic: DeclaredType = { name: 'dyn', convert: dynamicValue };
const scalars: Readonly<Record<string, DeclaredType>> = {
  integer: { name: 'int', convert: integerValue },
  number: { name: 'double', convert: (value) => value },
  boolean: { name: 'bool', convert: (value) => value },
  // As upstream: an int-or-string and a quantity are compared with what the object holds.
  intOrString: dynamic,
  quantity: dynamic,
  any: dynamic,
};
const formats: Readonly<Record<string, DeclaredType>> = {
  'date-time': { name: 'google.protobuf.Timestamp', convert: timestampValue },
  date: { name: 'google.protobuf.Timestamp', convert: timestampValue },
  duration: { name: 'google.protobuf.Duration', convert: durationValue },
  byte: { name: 'bytes', convert: bytesValue },
};

/** Declares types in one environment. */
export class TypeDeclarations {
  private readonly declared = new Map<ObjectSchema, DeclaredType>();

  constructor(private readonly environment: Environment) {}

  /**
   * @param path names the types of objects in messages: object.spec.template
   * @param nameOf the name of a field in expressions
   */
  of(field: FieldSchema, path: string, nameOf = escapeField): DeclaredType {
    switch (field.type) {
      case 'string':
        return formats[field.format ?? ''] ?? text;
      case 'array':
        return listOf(this.of(field.items!, `${path}.items`, nameOf));
      case 'map':
        return mapOf(this.of(field.items!, `${path}.values`, nameOf));
      case 'object':
        return this.ofObject(field.object!, path, nameOf);
      default:
        return scalars[field.type] ?? dynamic;
    }
  }

  private ofObject(schema: ObjectSchema, path: string, nameOf: (name: string) => string): DeclaredType {
    const found = this.declared.get(schema);
    if (found) return found;
    // Fields of an open object are not known, and an object that contains itself has no end.
    if (schema.open || Object.keys(schema.fields).length === 0) return dynamic;
    this.declared.set(schema, dynamic);
    const fields: Record<string, DeclaredType> = {};
    for (const [name, field] of Object.entries(schema.fields)) {
      if (isReadable(name)) fields[name] = this.of(field, `${path}.${nameOf(name)}`, nameOf);
    }
    const typed = classOf(
      Object.fromEntries(Object.entries(fields).map(([name, { convert }]) => [name, (value) => convert(value)])),
      nameOf,
    );
    const fieldTypes = Object.entries(fields).map(([name, type]) => [nameOf(name), type.name]);
    this.environment.registerType(path, { ctor: typed, fields: Object.fromEntries(fieldTypes) });
    this.environment
      .registerOperator(`${path} == ${path}`, (a: CelObject, b: CelObject) => isDeepStrictEqual(a.raw, b.raw))
      .registerOperator(`${path} == null`, ({ raw }: CelObject) => raw === absentObject);
    const type: DeclaredType = {
      name: path,
      convert: (value) => (isRecord(value) ? new typed(value) : (value ?? undefined)),
    };
    this.declared.set(schema, type);
    return type;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf = ({ name, convert }: DeclaredType): DeclaredType => ({
  name: `list<${name}>`,
  convert: (value) => (Array.isArray(value) ? value.map(convert) : value),
});
const mapOf = ({ name, convert }: DeclaredType): DeclaredType => ({
  name: `map<string, ${name}>`,
  convert: (value) =>
    isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, convert(inner)])) : value,
});
