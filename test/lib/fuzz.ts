// Seeded fuzz tests. A property is checked with generated inputs, the same in every run; a failure prints the seed and
// the smallest input that still fails. Two environment variables change a run:
//   K8TS_FUZZ_SEED    a whole number: selects other inputs, or repeats the inputs of a failure
//   K8TS_FUZZ_FACTOR  multiplies the number of inputs and the time limit (`hack/test --fuzz=FACTOR` sets both)
import fc from 'fast-check';
import type { Test } from 'tap';

export interface FuzzOptions {
  /** Inputs of a default run; the time limit may end it earlier. */
  readonly runs?: number;
  /** CPU time that one input may take. The default is 20 times the bound of 50 ms, so that a busy machine fails no test. */
  readonly maxCpuMs?: number;
}

const defaultSeed = 20260101;
const defaultRuns = 300;
/** One property takes no longer than this in a default run. */
const limitMs = 3_000;
const defaultCpuMs = 1_000;

/** @throws RangeError unless the variable is a whole number */
function wholeNumber(name: string, otherwise: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

/**
 * Checks that `property` does not throw, that prototypes stay as they are, and that no input takes more CPU time than is allowed.
 * If an error is the right answer to an input, `property` must catch it.
 */
export async function fuzz<T>(
  t: Test,
  name: string,
  inputs: fc.Arbitrary<T>,
  property: (input: T) => void | Promise<void>,
  { runs = defaultRuns, maxCpuMs = defaultCpuMs }: FuzzOptions = {},
): Promise<void> {
  const factor = wholeNumber('K8TS_FUZZ_FACTOR', 1);
  const before = prototypeKeys();
  const guarded = fc.asyncProperty(inputs, async (input) => {
    const start = process.cpuUsage();
    await property(input);
    const { user, system } = process.cpuUsage(start);
    const tookMs = (user + system) / 1_000;
    if (tookMs > maxCpuMs) throw new Error(`took ${Math.round(tookMs)} ms of CPU time, more than ${maxCpuMs} ms`);
    const after = prototypeKeys();
    if (after !== before) throw new Error(`prototypes have other keys than before: ${after}`);
  });
  const result = await fc.check(guarded, {
    seed: wholeNumber('K8TS_FUZZ_SEED', defaultSeed),
    numRuns: runs * factor,
    interruptAfterTimeLimit: limitMs * factor,
  });
  if (!result.failed) {
    t.pass(`${name}: ${result.numRuns} inputs`);
    return;
  }
  const input = fc.stringify(result.counterexample).slice(0, 4_000);
  const cause = result.errorInstance instanceof Error ? result.errorInstance.stack : String(result.errorInstance);
  t.fail(`${name}: fails with K8TS_FUZZ_SEED=${result.seed}`, { input, cause });
}

const guardedPrototypes = [Object.prototype, Array.prototype, Map.prototype, Function.prototype, String.prototype];

const prototypeKeys = (): string =>
  guardedPrototypes.map((prototype) => Reflect.ownKeys(prototype).map(String).join(' ')).join('; ');

/** Keys that reach a prototype in careless code, and plain keys. */
export const trickyKeys: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'length',
    '0',
    '',
    '~1',
    '$patch',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

/** JSON values with tricky keys, numbers at the edges and any text. */
export const jsonValues: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -1, 2 ** 31, 2 ** 53, -(2 ** 53), 1e300, ''),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 5 }),
    // Entries, since a generator of records would set the prototype for a key such as __proto__.
    fc.array(fc.tuple(trickyKeys, tie('value')), { maxLength: 5 }).map(objectOf),
  ),
})).value;

/** An object with exactly these keys as its own, `__proto__` too. */
export function objectOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** Bytes that a peer may send: random bytes, and `valid` with some bytes changed, cut off, doubled or inserted. */
export function mutatedBytes(valid: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const edit = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('set', 'cut', 'insert', 'repeat'),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  });
  const mutated = fc.tuple(valid, fc.array(edit, { maxLength: 4 })).map(([bytes, edits]) =>
    edits.reduce((now, { at, kind, bytes: put }) => {
      const place = now.length === 0 ? 0 : at % now.length;
      const [head, tail] = [now.subarray(0, place), now.subarray(place)];
      if (kind === 'cut') return head;
      if (kind === 'insert') return Buffer.concat([head, put, tail]);
      if (kind === 'repeat') return Buffer.concat([now, tail]);
      return Buffer.concat([head, put, tail.subarray(put.length)]);
    }, bytes),
  );
  return fc.oneof(
    { arbitrary: mutated, weight: 3 },
    { arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), weight: 1 },
  );
}

export { fc };
