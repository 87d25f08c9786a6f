// How large the values of a schema can be in one request, and how many of them: what the estimate of a rule's cost begins with. As
// upstream's SchemaDeclType; a part of the schema is read when a rule names it.
import { isSchema } from '../../../api/crd/walk';
import type { Definition } from '../../../api/schema/schema';
import type { SizedType } from '../../../cel/cost/sizes';
import { escapeField, isReadable } from '../../../cel/field-names';

/** Of a request, as CEL counts it. */
const maxRequestBytes = 3 * 1024 * 1024;
/** As JSON. */
const bytesOf = { text: 2, boolean: 4, number: 1, date: 12, time: 21, duration: 3 } as const;
const longest = { date: 12, time: 32, duration: 32 } as const;
/** maxLength counts characters; one can have four bytes. */
const bytesPerCharacter = 4;

/** Undefined for a schema that expressions cannot read. `isRoot`: of a whole object. */
export function sizedType(schema: Definition, isRoot: boolean): SizedType | undefined {
  return measured(schema, isRoot)?.type;
}

/** How often a rule without bounds around its schema runs at most. */
export function maxOccurrences(schema: Definition, isRoot: boolean): number {
  return Math.floor(maxRequestBytes / ((measured(schema, isRoot)?.minBytes ?? 0) + 1));
}

interface Measured {
  readonly type: SizedType;
  /** The smallest value as JSON. */
  readonly minBytes: number;
}

const known = new WeakMap<Definition, Measured | null>();

function measured(schema: Definition, isRoot: boolean): Measured | undefined {
  if (isRoot) return measure(schema, true);
  let found = known.get(schema);
  if (found === undefined) {
    found = measure(schema, false) ?? null;
    known.set(schema, found);
  }
  return found ?? undefined;
}

const inside = (schema: Definition): Measured | undefined =>
  measured(schema, schema['x-kubernetes-embedded-resource'] === true);

function measure(schema: Definition, isRoot: boolean): Measured | undefined {
  if (schema['x-kubernetes-int-or-string']) return scalar(bytesOf.number, textSize(schema));
  switch (schema.type) {
    case 'array':
      return ofList(schema);
    case 'object':
      return isSchema(schema.additionalProperties)
        ? ofMap(schema, schema.additionalProperties)
        : ofObject(schema, isRoot);
    case 'string':
      return ofText(schema);
    case 'boolean':
      return scalar(bytesOf.boolean, 0);
    case 'number':
    case 'integer':
      return scalar(bytesOf.number, 0);
    default:
      return isRoot ? ofObject(schema, true) : undefined;
  }
}

const noField = (): undefined => undefined;
const scalar = (minBytes: number, maxElements: number): Measured => ({
  type: { maxElements, isObject: false, field: noField },
  minBytes,
});

function ofText(schema: Definition): Measured {
  switch (schema.format) {
    case 'byte':
      return scalar(bytesOf.text, schema.maxLength === undefined ? textSize(schema) : Math.max(0, schema.maxLength));
    case 'duration':
      return scalar(bytesOf.duration, longest.duration);
    case 'date':
      return scalar(bytesOf.date, longest.date);
    case 'date-time':
      return scalar(bytesOf.time, longest.time);
    default:
      return scalar(bytesOf.text, textSize(schema));
  }
}

function textSize({ maxLength, enum: values, 'x-kubernetes-int-or-string': isEither }: Definition): number {
  if (maxLength !== undefined) return Math.max(0, maxLength) * bytesPerCharacter;
  if (!isEither && values?.length) {
    return Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
  }
  return maxRequestBytes - 2;
}

function ofList({ items, maxItems }: Definition): Measured | undefined {
  const item = isSchema(items) ? inside(items) : undefined;
  if (!item) return undefined;
  const fits = Math.floor((maxRequestBytes - 2) / (item.minBytes + 1));
  const maxElements = maxItems === undefined ? fits : Math.max(0, maxItems);
  return { type: { maxElements, element: item.type, isObject: false, field: noField }, minBytes: 2 };
}

/** A key takes four characters at least, with its quotes, colon and comma. */
const keyBytes = 6;
const keyType = scalar(bytesOf.text, 0).type;

function ofMap({ maxProperties }: Definition, values: Definition): Measured | undefined {
  const value = inside(values);
  if (!value) return undefined;
  const fits = Math.floor((maxRequestBytes - 2) / (value.minBytes + keyBytes));
  const maxElements = maxProperties === undefined ? fits : Math.max(0, maxProperties);
  return { type: { maxElements, element: value.type, key: keyType, isObject: false, field: noField }, minBytes: 2 };
}

const text: Definition = { type: 'string' };
/** What rules see of every whole object. */
const always: Readonly<Record<string, Definition>> = {
  apiVersion: text,
  kind: text,
  metadata: { type: 'object', properties: { name: text, generateName: text } },
};

function ofObject(schema: Definition, isRoot: boolean): Measured {
  const properties = { ...schema.properties, ...(isRoot ? always : {}) };
  const byName = new Map(
    Object.keys(properties)
      .filter(isReadable)
      .map((name) => [escapeField(name), properties[name]!]),
  );
  let minBytes = 2;
  for (const name of new Set(schema.required)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const found = property?.default === undefined && property && inside(property);
    if (found) minBytes += Buffer.byteLength(name) + found.minBytes + 4;
  }
  const field = (name: string) => {
    const found = byName.get(name);
    return found && inside(found)?.type;
  };
  return { type: { maxElements: 0, isObject: true, field }, minBytes };
}
