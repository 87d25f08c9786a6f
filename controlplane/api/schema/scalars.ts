// Decoders of the scalar types: strings with their formats, numbers, IntOrString and quantities.
import { BadRequest } from '../../base/errors';
import { isQuantity, parseQuantity } from '../quantity';
import type { Decode } from './compile';
import { goType, wrongType } from './go-types';
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
        if (typeof value !== 'number') throw wrongType(value, goPath, 'float64');
        return value;
      };
    case 'boolean':
      return (value, _context, _path, goPath) => {
        if (typeof value !== 'boolean') throw wrongType(value, goPath, goType(field));
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
  const check = formats[field.format ?? ''];
  const type = field.format === 'byte' ? '[]uint8' : goType(field);
  return (value, _context, _path, goPath) => {
    if (typeof value !== 'string') throw wrongType(value, goPath, type);
    check?.(value);
    return value;
  };
}

const timeShape =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

function checkTime(layout: string): (value: string) => void {
  return (value) => {
    if (timeShape.test(value)) return;
    throw new BadRequest(
      `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`,
    );
  };
}

function checkBase64(value: string): void {
  const wrong = /[^A-Za-z0-9+/=\r\n]/.exec(value);
  const plain = value.replaceAll(/[\r\n]/g, '');
  const padding = /=[^=]/.exec(plain);
  if (!wrong && !padding && plain.length % 4 === 0 && !plain.endsWith('===')) return;
  throw new BadRequest(`illegal base64 data at input byte ${wrong?.index ?? padding?.index ?? plain.length & ~3}`);
}

const formats: Readonly<Record<string, (value: string) => void>> = {
  'date-time': checkTime('2006-01-02T15:04:05Z07:00'),
  'date-time-micro': checkTime('2006-01-02T15:04:05.000000Z07:00'),
  byte: checkBase64,
};

function integerDecoder(field: FieldSchema): Decode {
  const bound = field.format === 'int32' ? 2 ** 31 : 2 ** 63;
  const type = goType(field);
  return (value, _context, _path, goPath) => {
    if (typeof value !== 'number') throw wrongType(value, goPath, type);
    if (!Number.isInteger(value) || value >= bound || value < -bound) throw wrongNumber(value, goPath, type);
    return value;
  };
}

function wrongNumber(value: number, goPath: string, type: string): BadRequest {
  return new BadRequest(`json: cannot unmarshal number ${value} into Go struct field ${goPath} of type ${type}`);
}

const decodeIntOrString: Decode = (value, _context, _path, goPath) => {
  if (typeof value === 'string') return value;
  // Go reads what is no string as a number.
  if (typeof value !== 'number') throw wrongType(value, goPath, 'int32');
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31) throw wrongNumber(value, goPath, 'int32');
  return value;
};

/** A quantity may be sent as a number; it is kept as text. Go reads every other JSON value as the text of a quantity, too. */
const decodeQuantity: Decode = (value) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (!isQuantity(text)) parseQuantity(text);
  return text;
};
