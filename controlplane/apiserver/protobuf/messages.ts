// The table of field numbers in the form that the decoder reads: per object type, number → field.

import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { AppError } from '../../base/errors';
import { inlined, messages } from './field-numbers';

export interface MessageField {
  readonly name: string;
  readonly schema: FieldSchema;
  /** True when zero is a value; false when zero means absent. */
  readonly zeroCounts: boolean;
}
/** A field, or the numbers of a message that is inlined in JSON. */
export type Slot = MessageField | ReadonlyMap<number, Slot>;
export type Numbers = ReadonlyMap<number, Slot>;

const parsed = new WeakMap<ObjectSchema, Numbers>();
const lines = readLines();

/** The fields of an object type by number. @throws AppError for a type that is not in the table */
export function numbersOf(schema: ObjectSchema): Numbers {
  const known = parsed.get(schema);
  if (known) return known;
  const { name = '' } = schema;
  const line = lines.get(name);
  if (line === undefined) {
    throw new AppError('Unsupported', `no protobuf field numbers for ${name}: send application/json`);
  }
  const numbers = parseLine(line, schema);
  parsed.set(schema, numbers);
  return numbers;
}

function readLines(): Map<string, string> {
  const found = new Map<string, string>();
  for (const [group, text] of Object.entries(messages)) {
    // A line that begins with two blanks continues the line before.
    for (const line of text.replace(/\n {2}/g, ' ').split('\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) found.set(`${group}.${line.slice(0, colon)}`, line.slice(colon + 1));
    }
  }
  return found;
}

function parseLine(line: string, schema: ObjectSchema): Numbers {
  const numbers = new Map<number, Slot>();
  const required = new Set(schema.required);
  let number = 0;
  for (const token of line.split(' ').filter((part) => part !== '')) {
    const [, plus, name = '', mark, explicit] = /^(\+?)(\w+)(\??)(?:=(\d+))?$/.exec(token) ?? [];
    number = explicit === undefined ? number + 1 : Number(explicit);
    if (plus) {
      numbers.set(number, parseLine(inlined[name] ?? '', schema));
      continue;
    }
    const field = schema.fields[name];
    if (field) numbers.set(number, { name, schema: field, zeroCounts: mark === '?' || required.has(name) });
  }
  return numbers;
}
