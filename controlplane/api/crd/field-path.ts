// Paths of fields in a schema, as a rule in CEL names the field at fault and a definition its selectable fields: `.spec.replicas`,
// `.spec.labels['a.b']`.
import type { Definition } from '../schema/schema';
import { isSchema } from './walk';

export interface FieldPath {
  /** As messages print it: spec.labels[a.b]. */
  readonly text: string;
  readonly keys: readonly string[];
  readonly schema: Definition;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

class PathError extends Error {}

/** A text says why the path leads to no field of the schema. `brackets`: whether keys may stand in brackets. */
export function resolveFieldPath(path: string, schema: Definition, brackets: boolean): FieldPath | string {
  try {
    return resolve(path, schema, brackets);
  } catch (error) {
    if (error instanceof PathError) return error.message;
    throw error;
  }
}

function resolve(path: string, schema: Definition, brackets: boolean): FieldPath {
  const tokens = path.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|'/g) ?? [];
  let at = schema;
  let read = 0;
  let text = '';
  const keys: string[] = [];
  const next = (): string => {
    const token = tokens[read++];
    if (token === undefined) throw new PathError('unexpected end of JSON path');
    return token;
  };
  const enter = (key: string) => {
    const { properties, additionalProperties } = at;
    const isNamed = properties !== undefined && Object.keys(properties).length > 0;
    const inner = isNamed ? (Object.hasOwn(properties, key) ? properties[key] : undefined) : additionalProperties;
    if (!isSchema(inner)) throw new PathError('does not refer to a valid field');
    text += isNamed ? `${text === '' ? '' : '.'}${key}` : `[${key}]`;
    keys.push(key);
    at = inner;
  };
  while (read < tokens.length) {
    const token = next();
    if (token === '.') enter(next());
    else if (token === '[') {
      if (!brackets) throw new PathError('array notation is not allowed');
      const quoted = next();
      if (!/^'.*'$/s.test(quoted)) throw new PathError(`expected single quoted string but got ${quoted}`);
      enter(plainText(quoted.slice(1, -1)));
      const end = next();
      if (end !== ']') throw new PathError(`expected ] but got ${end}`);
    } else throw new PathError(`expected [ or . but got: ${token}`);
  }
  return { text, keys, schema: at };
}

function plainText(text: string): string {
  return text.replaceAll(/\\(.)/gs, (found, letter: string) => {
    const plain = escapes[letter];
    if (plain === undefined) throw new PathError(`invalid string literal: invalid escape char ${found}`);
    return plain;
  });
}
