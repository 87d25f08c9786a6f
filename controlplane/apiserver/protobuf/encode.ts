// Encodes plain objects to the messages that kube-apiserver sends, byte for byte as Go's generated code does: fields in the order of
// their numbers; scalars and messages that Go keeps as values always, pointers only when they are set; maps in the order of their
// keys; empty lists and maps not at all.
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { isMessage, type MessageField, type Numbers, numbersOf } from './messages';
import { Writer } from './writer';

type Fields = Readonly<Record<string, unknown>>;
type Form = FieldSchema['type'] | 'bytes' | 'time' | 'inlined' | 'wrapped' | 'schemaOr';

/** How one field is written. */
interface Step {
  readonly name: string;
  readonly form: Form;
  readonly tag: number;
  readonly pointer: boolean;
  /** Of list items and map values. */
  readonly item?: Step;
  /** Of an object; found at the first use, since types can contain themselves. */
  readonly object?: ObjectSchema;
  /** Of a value that is a schema or something else: JSONSchemaPropsOrBool. */
  readonly format?: string;
  plan?: Plan;
}
/** The fields of a message from the highest number to the lowest: the writer goes backwards. */
type Plan = readonly Step[];

const varintType = 0;
const fixedType = 1;
const bytesType = 2;
const none: Fields = Object.freeze({});

const plans = new WeakMap<ObjectSchema, Plan>();
const writer = new Writer();

/** The message of an object of the type. @throws AppError for a type whose field numbers are not known */
export function encodeMessage(object: Fields, schema: ObjectSchema): Buffer {
  const plan = planOf(schema);
  writer.clear();
  writeMessage(plan, object);
  return writer.take();
}

/** Whether objects of the type can be encoded: their field numbers are known. */
export const planOf = (schema: ObjectSchema): Plan => {
  let plan = plans.get(schema);
  if (!plan) {
    plan = compile(numbersOf(schema));
    plans.set(schema, plan);
  }
  return plan;
};

function compile(numbers: Numbers): Plan {
  const steps: Step[] = [];
  for (const [number, slot] of [...numbers].sort(([a], [b]) => b - a)) {
    if (slot instanceof Map) {
      const plan = compile(slot as Numbers);
      steps.push({ name: '', form: 'inlined', tag: number * 8 + bytesType, pointer: false, plan });
    } else {
      const { name, schema, pointer, wrapped } = slot as MessageField;
      const step = stepOf(name, number, schema, pointer || wrapped);
      steps.push(wrapped ? wrap(step) : step);
    }
  }
  return steps;
}

function stepOf(name: string, number: number, schema: FieldSchema, pointer: boolean): Step {
  const form = formOf(schema);
  const isList = form === 'array' || form === 'map';
  // The items of a list have the number of the list; in a map entry the value is number 2.
  const item = isList ? stepOf('', form === 'map' ? 2 : number, schema.items ?? anyItem(form), true) : undefined;
  const wire = form === 'number' ? fixedType : form === 'integer' || form === 'boolean' ? varintType : bytesType;
  return {
    name,
    form,
    tag: number * 8 + wire,
    // Go writes bytes that are set, also empty ones.
    pointer: pointer || form === 'bytes',
    ...(item ? { item: asItem(item) } : {}),
    ...(schema.object ? { object: schema.object } : {}),
    ...(form === 'schemaOr' ? { format: schema.format ?? '' } : {}),
  };
}

const anyItem = (form: Form): FieldSchema => ({ type: form === 'map' ? 'string' : 'any' });

/** A list inside a list or map is a message of its own. */
const asItem = (item: Step): Step => (item.form === 'array' ? wrap(item) : item);

/** A list as a message whose field 1 repeats. */
const wrap = (list: Step): Step => ({
  ...list,
  form: 'wrapped',
  item: { ...list.item!, tag: 8 + (list.item!.tag & 7) },
});

function formOf(schema: FieldSchema): Form {
  if (schema.type === 'any' && schema.format !== undefined && schema.format !== 'JSON') return 'schemaOr';
  if (schema.type !== 'string') return schema.type;
  if (schema.format === 'byte') return 'bytes';
  return isMessage(schema) ? 'time' : 'string';
}

function writeMessage(plan: Plan, object: Fields): void {
  for (const step of plan) writeField(step, step.form === 'inlined' ? object : object[step.name]);
}

function writeField(step: Step, value: unknown): void {
  const { form, tag } = step;
  if (form === 'array') {
    const items = (value ?? []) as readonly unknown[];
    for (let i = items.length - 1; i >= 0; i--) writeItem(step.item!, items[i]);
    return;
  }
  if (form === 'map') {
    if (value !== undefined && value !== null) writeEntries(step, value as Fields);
    return;
  }
  if ((value === undefined || value === null) && step.pointer) return;
  writeValue(step, value);
  writer.varint(tag);
}

function writeItem(step: Step, value: unknown): void {
  writeValue(step, value);
  writer.varint(step.tag);
}

function writeEntries({ item, tag }: Step, map: Fields): void {
  const keys = Object.keys(map);
  // Keys are ASCII in nearly all maps, so this is Go's order of bytes.
  if (keys.length > 1) keys.sort();
  for (let i = keys.length - 1; i >= 0; i--) {
    const start = writer.size;
    writeItem(item!, map[keys[i]!]);
    writeText(keys[i]!);
    writer.varint(8 + bytesType);
    writer.varint(writer.size - start);
    writer.varint(tag);
  }
}

/** A value without its tag; an absent one as Go's zero. */
function writeValue(step: Step, value: unknown): void {
  switch (step.form) {
    case 'integer':
      writer.varint(Number(value ?? 0));
      return;
    case 'boolean':
      writer.varint(value === true ? 1 : 0);
      return;
    case 'number':
      writer.double(Number(value ?? 0));
      return;
    case 'string':
      writeText(textOf(value));
      return;
    case 'bytes':
      writeBytes(Buffer.from(textOf(value), 'base64'));
      return;
    default: {
      const start = writer.size;
      writeContent(step, value);
      writer.varint(writer.size - start);
    }
  }
}

/** The inside of a message of its own. */
function writeContent(step: Step, value: unknown): void {
  switch (step.form) {
    case 'object':
    case 'inlined':
      step.plan ??= planOf(step.object!);
      writeMessage(step.plan, (value ?? none) as Fields);
      return;
    case 'time':
      writeTime(textOf(value));
      return;
    case 'quantity':
      writeTagged(1, value === undefined || value === null ? '0' : String(value));
      return;
    case 'intOrString': {
      const isText = typeof value === 'string';
      writeTagged(3, isText ? value : '');
      writer.varint(isText ? 0 : Number(value ?? 0));
      writer.varint(2 * 8 + varintType);
      writer.varint(isText ? 1 : 0);
      writer.varint(8 + varintType);
      return;
    }
    case 'any':
      if (value !== undefined && value !== null) writeTagged(1, JSON.stringify(value));
      return;
    case 'schemaOr':
      writeSchemaOr(step, value);
      return;
    case 'wrapped':
      for (const item of ((value ?? []) as readonly unknown[]).toReversed()) writeItem(step.item!, item);
      return;
  }
}

/**
 * The types of apiextensions without a single JSON type, one field for each form: JSONSchemaPropsOrBool has the boolean as field 1
 * and the schema as 2, the two types of lists have the schema as 1 and the items as 2. Of CustomResourceSubresourceStatus no field.
 */
function writeSchemaOr({ object, format }: Step, value: unknown): void {
  const schema: Step = { name: '', form: 'object', tag: 8 + bytesType, pointer: true, ...(object ? { object } : {}) };
  const isSchema = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (format === 'JSONSchemaPropsOrBool') {
    if (isSchema) writeItem({ ...schema, tag: 2 * 8 + bytesType }, value);
    // A schema allows values, too.
    writer.varint(isSchema || value === true ? 1 : 0);
    writer.varint(8 + varintType);
  } else if (Array.isArray(value)) {
    for (const item of (value as readonly unknown[]).toReversed()) {
      const form = typeof item === 'string' ? 'string' : 'object';
      writeItem({ ...schema, form, tag: 2 * 8 + bytesType }, item);
    }
  } else if (isSchema && object) writeItem(schema, value);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : String(value ?? ''));

function writeText(text: string): void {
  const start = writer.size;
  writer.text(text);
  writer.varint(writer.size - start);
}

function writeBytes(bytes: Uint8Array): void {
  writer.bytes(bytes);
  writer.varint(bytes.length);
}

function writeTagged(number: number, text: string): void {
  writeText(text);
  writer.varint(number * 8 + bytesType);
}

/** Go's zero time is an empty message. Only MicroTime has a fraction: its JSON has six digits, that of Time none. */
function writeTime(text: string): void {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return;
  const fraction = /\.(\d{1,6})/.exec(text)?.[1];
  writer.varint(fraction === undefined ? 0 : Number(fraction.padEnd(6, '0')) * 1000);
  writer.varint(2 * 8 + varintType);
  writer.varint(Math.floor(milliseconds / 1000));
  writer.varint(8 + varintType);
}
