// Decoders of the scalar types: strings with their formats, numbers, IntOrString and quantities.
import { BadRequest } from '../../base/errors';
import { isQuantity, parseQuantity } from '../quantity';
import type { Decode } from './compile';
import { goType, scalarShape, WrongBase64, wrongNumber, wrongType } from './go-types';
import type { FieldSchema } from './schema';

/** The decoder of a scalar field. @throws Error for a type that is not a scalar */
export function scalarDecoders(field: FieldSchema): Decode {
  switch (field.type) {
    case 'string':
      return stringDecoder(field);
    case 'integer':
      return integerDecoder(field);
    case 'number':
      return (value, _context, _path, goPath) => {
        if (typeof value !== 'number') throw wrongType(value, goPath, 'float64', 'float64');
        return value;
      };
    case 'boolean':
      return (value, _context, _path, goPath) => {
        if (typeof value !== 'boolean') throw wrongType(value, goPath, goType(field), 'bool');
        return value;
      };
    case 'intOrString':
      return decodeIntOrString;
    case 'quantity':
      return decodeQuantity;
    default:
      throw new Error(`${field.type} is not a scalar`);
  }
}

function stringDecoder(field: FieldSchema): Decode {
  const read = formats[field.format ?? ''];
  const type = goType(field);
  const shape = scalarShape(field);
  return (value, _context, _path, goPath) => {
    if (typeof value !== 'string') throw wrongType(value, goPath, type, shape);
    return read ? read(value) : value;
  };
}

const timeShape =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

function wrongTime(value: string, layout: string, rest: string, part: string): BadRequest {
  const [time, as, wrong, wanted] = [value, layout, rest, part].map((text) => JSON.stringify(text));
  return new BadRequest(`parsing time ${time} as ${as}: cannot parse ${wrong} as ${wanted}`);
}

/** The length of a time to its seconds: 2026-01-01T00:00:00. */
const toSeconds = 19;
const canonicalTime = /^[\dT:-]{19}Z$/;

/** metav1.Time is kept in UTC, without fractions of a second. */
function readTime(value: string): string {
  if (!timeShape.test(value)) throw wrongTime(value, '2006-01-02T15:04:05Z07:00', value, '2006');
  return canonicalTime.test(value) ? value : inUtc(value);
}

const microLayout = '2006-01-02T15:04:05.000000Z07:00';

/** metav1.MicroTime has six digits after the second. */
function readMicroTime(value: string): string {
  if (!timeShape.test(value)) throw wrongTime(value, microLayout, value, '2006');
  const rest = value.slice(toSeconds);
  const fraction = /^\.\d{6}/.exec(rest)?.[0];
  if (fraction === undefined) throw wrongTime(value, microLayout, rest, '.000000');
  const zone = rest.slice(fraction.length);
  if (/^\d/.test(zone)) throw wrongTime(value, microLayout, zone, 'Z07:00');
  return zone === 'Z' ? value : `${inUtc(value).slice(0, toSeconds)}${fraction}Z`;
}

/** A day that no month has is kept as it is. */
function inUtc(value: string): string {
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? value : `${new Date(ms).toISOString().slice(0, toSeconds)}Z`;
}

function readBase64(value: string): string {
  const wrong = /[^A-Za-z0-9+/=\r\n]/.exec(value);
  const plain = value.replaceAll(/[\r\n]/g, '');
  const padding = /=[^=]/.exec(plain);
  if (!wrong && !padding && plain.length % 4 === 0 && !plain.endsWith('===')) return value;
  throw new WrongBase64(`illegal base64 data at input byte ${wrong?.index ?? padding?.index ?? plain.length & ~3}`);
}

const formats: Readonly<Record<string, (value: string) => string>> = {
  'date-time': readTime,
  'date-time-micro': readMicroTime,
  byte: readBase64,
};

function integerDecoder(field: FieldSchema): Decode {
  const bound = field.format === 'int32' ? 2 ** 31 : 2 ** 63;
  const type = goType(field);
  const shape = scalarShape(field);
  return (value, _context, _path, goPath) => {
    if (typeof value === 'bigint' && bound === 2 ** 63) return value;
    if (typeof value !== 'number') throw wrongType(value, goPath, type, shape);
    if (!Number.isInteger(value) || value >= bound || value < -bound) throw wrongNumber(value, goPath, type, shape);
    return value;
  };
}

const decodeIntOrString: Decode = (value, _context, _path, goPath) => {
  if (typeof value === 'string') return value;
  // Go reads what is no string as a number.
  if (typeof value !== 'number') throw wrongType(value, goPath, 'int32', 'json');
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31) throw wrongNumber(value, goPath, 'int32', 'json');
  return value;
};

/** A quantity may be sent as a number; it is kept as text. Go reads every other JSON value as the text of a quantity, too. */
const decodeQuantity: Decode = (value) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (!isQuantity(text)) parseQuantity(text);
  return text;
};
