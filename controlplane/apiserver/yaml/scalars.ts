// Converts a plain scalar of YAML to JSON, by the core schema of YAML 1.2. Digits are copied, so that numbers keep their exact
// spelling; values without a JSON form are refused.
import { BadRequest } from '../../base/errors';

const words: Readonly<Record<string, string>> = {
  '': 'null',
  '~': 'null',
  null: 'null',
  Null: 'null',
  NULL: 'null',
  true: 'true',
  True: 'true',
  TRUE: 'true',
  false: 'false',
  False: 'false',
  FALSE: 'false',
};
const decimal = /^[-+]?\d+$/;
const based = /^0(?:x[\da-fA-F]{1,16}|o[0-7]{1,22})$/;
const float = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const special = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** The JSON text of a plain scalar. @throws BadRequest for infinity and not-a-number */
export function plainToJson(text: string): string {
  if (Object.hasOwn(words, text)) return words[text]!;
  const first = text.charCodeAt(0);
  // A digit, a sign or a dot begins every number.
  const mayBeNumber = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e;
  return mayBeNumber ? (numberToJson(text) ?? JSON.stringify(text)) : JSON.stringify(text);
}

/** Undefined when the text is not a number. */
function numberToJson(text: string): string | undefined {
  if (decimal.test(text)) return wholeNumber(text);
  if (based.test(text)) return String(BigInt(text));
  if (special.test(text)) throw new BadRequest(`json: unsupported value: ${text}`);
  if (!float.test(text)) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) throw new BadRequest(`json: unsupported value: ${text.slice(0, 40)}`);
  return String(number);
}

/** JSON has neither a plus sign nor leading zeros. */
function wholeNumber(text: string): string {
  const negative = text.startsWith('-');
  let start = negative || text.startsWith('+') ? 1 : 0;
  while (start < text.length - 1 && text[start] === '0') start++;
  return (negative ? '-' : '') + text.slice(start);
}

/** The JSON text of a scalar with an explicit tag such as !!str. @throws BadRequest */
export function taggedToJson(tag: string, text: string): string {
  switch (tag) {
    case '!':
    case '!!str':
      return JSON.stringify(text);
    case '!!binary':
      return JSON.stringify(Buffer.from(text.replaceAll(/\s+/g, ''), 'base64').toString());
    case '!!null':
    case '!!bool':
    case '!!int':
    case '!!float': {
      const json = plainToJson(text);
      if (typeOf(json, tag)) return json;
      throw new BadRequest(`cannot decode ${JSON.stringify(text.slice(0, 40))} as a ${tag}`);
    }
    default:
      throw new BadRequest(`unknown tag ${JSON.stringify(tag.slice(0, 100))}`);
  }
}

function typeOf(json: string, tag: '!!null' | '!!bool' | '!!int' | '!!float'): boolean {
  if (tag === '!!null') return json === 'null';
  if (tag === '!!bool') return json === 'true' || json === 'false';
  return tag === '!!int' ? /^-?\d+$/.test(json) : /^-?\d/.test(json);
}
