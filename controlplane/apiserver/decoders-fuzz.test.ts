// Every decoder of the API server for bytes or text from outside: it accepts them or refuses them with a clean error.
import t from 'tap';
import { fc, fuzz, jsonValues, mutatedBytes, objectOf, trickyKeys } from '../../test/lib/fuzz';
import { parseFieldSelector } from '../api/field-selector';
import { parseJson } from '../api/json-text';
import { canonicalResource } from '../api/quantity';
import { findDuplicateFields } from '../api/schema/duplicates';
import { loadSchemas } from '../api/schema/load';
import { matchesSelector, parseSelector } from '../api/selector';
import { AppError } from '../base/errors';
import { decodeMessage } from './protobuf/decode';
import { openEnvelope } from './protobuf/envelope';
import { decodeContinue, encodeContinue } from './rest/continue-token';
import { negotiate } from './rest/negotiate';
import { toStatus } from './status';

/** The value, or undefined for input that is refused with a 4xx. Any other error fails the test. */
function readOrRefuse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (err) {
    const { code = 500 } = toStatus(err);
    if ((err instanceof AppError && code < 500) || err instanceof SyntaxError) return undefined;
    throw err;
  }
}

const same = (a: unknown, b: unknown): void => {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
};
const pieces = (...parts: string[]) =>
  fc
    .array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 30 })
    .map((all) => all.join(''));

t.test('JSON is read as it was sent, or refused', async (t) => {
  await fuzz(t, 'values', jsonValues, (value) => {
    const text = JSON.stringify(value);
    const read = readOrRefuse(() => parseJson(Buffer.from(text)));
    if (read !== undefined) same(read, value);
    findDuplicateFields(text);
  });
  const numbers = fc.tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), trickyKeys);
  await fuzz(t, 'whole numbers', numbers, ([number, key]) => {
    const text = `{${JSON.stringify(key)}:[${number}]}`;
    const read = readOrRefuse(() => parseJson(Buffer.from(text)));
    if (read !== undefined && JSON.stringify(read) !== text) throw new Error(`${text} became ${JSON.stringify(read)}`);
    if (number >= -(2n ** 53n) && number <= 2n ** 53n && read === undefined) throw new Error(`${number} is exact`);
  });
  await fuzz(t, 'bytes', mutatedBytes(jsonValues.map((value) => Buffer.from(JSON.stringify(value)))), (bytes) => {
    readOrRefuse(() => parseJson(bytes));
  });
});

t.test('selectors', async (t) => {
  const labelText = pieces(
    'a',
    'b/c',
    '=',
    '==',
    '!=',
    ' in ',
    ' notin ',
    '(',
    ')',
    ',',
    '!',
    '>',
    '<',
    ' ',
    '1',
    '__proto__',
  );
  await fuzz(t, 'labels', labelText, (text) => {
    const selector = readOrRefuse(() => parseSelector(text));
    if (!selector) return;
    const labels = objectOf([
      ['a', '1'],
      ['__proto__', 'a'],
    ]) as Record<string, string>;
    // The same selector in its long form.
    const long = [
      ...selector,
      ...Array.from({ length: 9 }, () => ({ key: 'zz', operator: 'DoesNotExist' as const, values: [] })),
    ];
    same(matchesSelector(long, labels), matchesSelector(selector, labels));
  });
  const fieldText = pieces('metadata.name', '=', '==', '!=', ',', '\\', '\\,', '\\=', ' ', 'a');
  await fuzz(t, 'fields', fieldText, (text) => void readOrRefuse(() => parseFieldSelector(text)));
  const values = fc.array(fc.tuple(fc.stringMatching(/^[a-z.]{1,8}$/), fc.string({ maxLength: 10 })), {
    maxLength: 4,
    minLength: 1,
  });
  await fuzz(t, 'fields round trip', values, (terms) => {
    const escaped = (value: string) => value.replaceAll(/[\\,=]/g, '\\$&');
    const read = parseFieldSelector(terms.map(([path, value]) => `${path}=${escaped(value)}`).join(','));
    same(
      read,
      terms.map(([path, value]) => ({ path, equal: true, value })),
    );
  });
});

t.test('continue tokens', async (t) => {
  const made = fc.tuple(
    fc.string({ unit: 'binary' }).filter((key) => key.isWellFormed()),
    fc.nat(),
  );
  await fuzz(t, 'round trip', made, ([key, revision]) => {
    same(decodeContinue(encodeContinue(key, revision)), { key, revision });
  });
  const tokens = made.map(([key, revision]) => Buffer.from(encodeContinue(key, revision)));
  await fuzz(t, 'changed', mutatedBytes(tokens), (bytes) => {
    const read = readOrRefuse(() => decodeContinue(bytes.toString('latin1')));
    if (read && !Number.isSafeInteger(read.revision)) throw new Error(`revision ${read.revision}`);
  });
  await fuzz(t, 'JSON', jsonValues, (value) => {
    readOrRefuse(() => decodeContinue(Buffer.from(JSON.stringify(value)).toString('base64url')));
  });
});

t.test('quantities and Accept headers', async (t) => {
  await fuzz(t, 'quantities', pieces('1', '0', '.', 'e', 'E', '-', '+', 'Ki', 'm', 'n', '999999999', ' '), (text) => {
    const canonical = readOrRefuse(() => canonicalResource(text));
    if (canonical !== undefined) same(canonicalResource(canonical), canonical);
  });
  await fuzz(
    t,
    'Accept',
    pieces('application/json', ';', ',', 'as=Table', 'g=meta.k8s.io', 'v=v1', '*/*', '=', ' '),
    (text) => {
      readOrRefuse(() => negotiate(text));
    },
  );
});

const varint = fc.nat({ max: 2 ** 30 }).map((value) => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
});
const field = fc.letrec<{ message: Buffer }>((tie) => ({
  message: fc
    .array(
      fc.tuple(
        fc.integer({ min: 1, max: 20 }),
        fc.oneof(
          { depthSize: 'small' },
          varint.map((bytes) => ({ wire: 0, bytes })),
          fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => ({ wire: 1, bytes: Buffer.from(bytes) })),
          fc.string({ maxLength: 10 }).map((text) => ({ wire: 2, bytes: lengthPrefixed(Buffer.from(text)) })),
          tie('message').map((bytes) => ({ wire: 2, bytes: lengthPrefixed(bytes) })),
        ),
      ),
      { maxLength: 5 },
    )
    .map((fields) =>
      Buffer.concat(
        fields.flatMap(([number, { wire, bytes }]) => [Buffer.from([number * 8 + wire].flatMap(toVarint)), bytes]),
      ),
    ),
})).message;

const toVarint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...toVarint(value >>> 7)]);
const lengthPrefixed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(toVarint(bytes.length)), bytes]);

t.test('protobuf', async (t) => {
  const kinds = [
    'core.v1.Pod',
    'core.v1.ConfigMap',
    'apps.v1.Deployment',
    'core.v1.Service',
    'apps.v1.ControllerRevision',
  ];
  const schemas = loadSchemas();
  const kind = fc.constantFrom(...kinds.map((name) => schemas.definition(`io.k8s.api.${name}`)!));
  await fuzz(t, 'messages', fc.tuple(kind, mutatedBytes(field)), ([definition, bytes]) => {
    const object = readOrRefuse(() => decodeMessage(bytes, definition));
    if (object && Object.getPrototypeOf(object) !== Object.prototype) throw new Error('another prototype');
    JSON.stringify(object);
  });
  const envelope = field.map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes]));
  await fuzz(t, 'envelopes', mutatedBytes(envelope), (bytes) => void readOrRefuse(() => openEnvelope(bytes)));
});
