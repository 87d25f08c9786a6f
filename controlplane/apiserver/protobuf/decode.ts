// Decodes the messages of request bodies in application/vnd.kubernetes.protobuf, client-go's default since 1.32, to the same plain
// objects as JSON.
import { maxJsonValues, parseJson, tooManyValues } from '../../api/json-text';
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { formatTime } from '../../base/clock';
import { BadRequest } from '../../base/errors';
import { type MessageField, type Numbers, numbersOf } from './messages';
import { asBytes, asDouble, asInteger, fieldMap, readFields, type WireValue } from './wire';

/** The message as a plain object. @throws BadRequest, Unsupported, TooLarge as parseJson does */
export function decodeMessage(bytes: Buffer, schema: ObjectSchema, maxValues = maxJsonValues): Record<string, unknown> {
  return new MessageReader(maxValues).message(bytes, schema);
}

/** Counts the values it reads, as the decoder of JSON does: five bytes can already be an entry of a map. */
class MessageReader {
  private values = 0;

  constructor(private readonly maxValues: number) {}

  message(bytes: Buffer, schema: ObjectSchema): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.readInto(object, bytes, numbersOf(schema));
    return object;
  }

  private readInto(object: Record<string, unknown>, bytes: Buffer, numbers: Numbers): void {
    readFields(bytes, (number, value) => {
      const slot = numbers.get(number);
      // A newer client may send fields that this server does not know.
      if (!slot) return;
      if (slot instanceof Map) this.readInto(object, asBytes(value), slot as Numbers);
      else this.readField(object, slot as MessageField, value);
    });
  }

  private readField(
    object: Record<string, unknown>,
    { name, schema, zeroCounts, wrapped }: MessageField,
    wire: WireValue,
  ): void {
    if (schema.type === 'array' && !wrapped) {
      object[name] ??= [];
      (object[name] as unknown[]).push(this.readValue(schema.items ?? { type: 'any' }, wire));
      return;
    }
    if (schema.type === 'map') {
      const entry = fieldMap(asBytes(wire));
      const key = bytesOf(entry.get(1)).toString();
      object[name] ??= {};
      const value = this.readValue(schema.items ?? { type: 'string' }, entry.get(2) ?? Buffer.alloc(0));
      const map = object[name] as Record<string, unknown>;
      if (key !== '__proto__') map[key] = value;
      else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      return;
    }
    const decoded = this.readValue(schema, wire);
    const zero = decoded === '' || decoded === 0 || decoded === false || decoded === undefined;
    if (!zero || (zeroCounts && decoded !== undefined)) object[name] = decoded;
  }

  private readValue(schema: FieldSchema, value: WireValue): unknown {
    if (++this.values > this.maxValues) throw tooManyValues(this.maxValues);
    switch (schema.type) {
      case 'integer':
        return asInteger(value);
      case 'number':
        return asDouble(value);
      case 'boolean':
        return asInteger(value) !== 0;
      case 'string':
        return readText(schema, asBytes(value));
      case 'quantity':
        return bytesOf(fieldMap(asBytes(value)).get(1)).toString();
      case 'intOrString': {
        const fields = fieldMap(asBytes(value));
        const isText = asInteger(fields.get(1) ?? 0n) === 1;
        return isText ? bytesOf(fields.get(3)).toString() : asInteger(fields.get(2) ?? 0n) | 0;
      }
      case 'object':
        return this.message(asBytes(value), schema.object!);
      case 'any':
        if (schema.format === undefined) return readEmbedded(asBytes(value));
        // Go keeps null as no bytes.
        if (schema.format === 'JSON') return readEmbedded(asBytes(value)) ?? null;
        return this.readSchemaOr(schema, asBytes(value));
      case 'array':
        // A list of lists is wrapped in a message whose first field repeats.
        return this.readItems(asBytes(value), schema.items ?? { type: 'any' });
      case 'map':
        throw new BadRequest('protobuf: a map of maps cannot be read');
    }
  }

  /** The types of apiextensions without a single JSON type. Upstream's messages for them have one field for each form. */
  private readSchemaOr({ format, object }: FieldSchema, bytes: Buffer): unknown {
    const fields = fieldMap(bytes);
    const first = fields.get(1);
    const second = fields.get(2);
    switch (format) {
      case 'JSONSchemaPropsOrBool':
        return second === undefined ? asInteger(first ?? 0n) !== 0 : this.message(asBytes(second), object!);
      case 'JSONSchemaPropsOrArray':
      case 'JSONSchemaPropsOrStringArray':
        if (first !== undefined) return this.message(asBytes(first), object!);
        return second === undefined
          ? []
          : this.readItems(bytes, {
              type: format.endsWith('StringArray') ? 'string' : 'object',
              ...(object ? { object } : {}),
            });
      default:
        return {};
    }
  }

  private readItems(bytes: Buffer, schema: FieldSchema): unknown[] {
    const items: unknown[] = [];
    readFields(bytes, (_number, value) => items.push(this.readValue(schema, value)));
    return items;
  }
}

function readText({ format }: FieldSchema, bytes: Buffer): string | undefined {
  if (format === 'byte') return bytes.toString('base64');
  if (format !== 'date-time' && format !== 'date-time-micro') return bytes.toString();
  const time = fieldMap(bytes);
  const seconds = time.get(1);
  // Go's zero time means: no time.
  if (seconds === undefined) return undefined;
  const nanos = asInteger(time.get(2) ?? 0n);
  const text = formatTime(asInteger(seconds) * 1000);
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return format === 'date-time' ? text : `${text.slice(0, -1)}.${micros}Z`;
}

/** RawExtension and FieldsV1: JSON inside. @throws BadRequest */
function readEmbedded(bytes: Buffer): unknown {
  const raw = bytesOf(fieldMap(bytes).get(1));
  if (raw.length === 0) return undefined;
  try {
    return parseJson(raw);
  } catch (cause) {
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest('protobuf: an embedded object is not JSON', { cause });
  }
}

const bytesOf = (value: WireValue | undefined): Buffer => (value === undefined ? Buffer.alloc(0) : asBytes(value));
