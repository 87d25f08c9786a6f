// The table of field numbers in the form that decoder and encoder read: per object type, number → field.

import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { AppError } from '../../base/errors';
import { inlined, messages } from './field-numbers';
import { isValueField } from './value-fields';

export interface MessageField {
  readonly name: string;
  readonly schema: FieldSchema;
  /** True when zero is a value; false when zero means absent. */
  readonly zeroCounts: boolean;
  /** Whether Go keeps a pointer, which it writes only when it is set. A scalar or message that is no pointer is written always. */
  readonly pointer: boolean;
  /** The field is a list, and a message of its own. */
  readonly wrapped: boolean;
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
    const [, plus, name = '', mark, explicit] = /^(\+?)([\w$-]+)(\?|\[\])?(?:=(\d+))?$/.exec(token) ?? [];
    number = explicit === undefined ? number + 1 : Number(explicit);
    if (plus) {
      numbers.set(number, parseLine(inlined[name] ?? '', schema));
      continue;
    }
    const field = schema.fields[name];
    if (!field) continue;
    const marked = mark === '?';
    const pointer = isMessage(field) ? !isValueField(schema.name ?? '', name) : marked;
    numbers.set(number, {
      name,
      schema: field,
      zeroCounts: marked || required.has(name),
      pointer,
      wrapped: mark === '[]',
    });
  }
  return numbers;
}

/**
 * The names of scalars whose zero is a value (pointers in Go), of an object type by its name in OpenAPI; undefined if it is not in
 * the table.
 */
export function pointersOf(name: string): ReadonlySet<string> | undefined {
  const line = lines.get(name);
  if (line === undefined) return undefined;
  return new Set(withInlined(line).flatMap((token) => /^([\w$-]+)\?/.exec(token)?.[1] ?? []));
}

/** The names of the fields of an object type in the order of their numbers; undefined if the type is not in the table. */
export function fieldOrder(name: string): readonly string[] | undefined {
  const line = lines.get(name);
  if (line === undefined) return undefined;
  let number = 0;
  const numbered = withInlined(line).flatMap((token) => {
    const [, field, explicit] = /^([\w$-]+)(?:\?|\[\])?(?:=(\d+))?$/.exec(token) ?? [];
    if (field === undefined) return [];
    number = explicit === undefined ? number + 1 : Number(explicit);
    return [{ field, number }];
  });
  return numbered.sort((a, b) => a.number - b.number).map(({ field }) => field);
}

/** The tokens of a line, those of inlined messages among them. */
const withInlined = (line: string): string[] =>
  line.split(' ').flatMap((token) => (token.startsWith('+') ? withInlined(inlined[token.slice(1)] ?? '') : [token]));

/** Whether a single value of the type is a message of its own, not a number, text or bytes. */
export function isMessage({ type, format }: FieldSchema): boolean {
  if (type === 'string') return format === 'date-time' || format === 'date-time-micro';
  return type === 'object' || type === 'quantity' || type === 'intOrString' || type === 'any';
}
