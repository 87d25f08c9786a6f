// Fuzz tests find each kind of fault, and use the same inputs in every run.
import t, { type Test } from 'tap';
import { fc, fuzz, jsonValues, mutatedBytes, objectOf, trickyKeys } from './fuzz';
import { slowestString } from './hostile-strings';

/** A test double that records failures, so that an expected failure does not fail this file. */
function listener() {
  const seen: string[] = [];
  const test = {
    pass: (message: string) => seen.push(`pass ${message}`),
    fail: (message: string, extra: { input: string; cause: string }) =>
      seen.push(`fail ${message} ${extra.input} ${extra.cause}`),
  };
  return { seen, test: test as unknown as Test };
}

t.test('reports the seed and the smallest input that fails', async (t) => {
  const { seen, test } = listener();
  await fuzz(test, 'small', fc.nat({ max: 1_000 }), (value) => {
    if (value >= 100) throw new Error('too large');
  });
  t.match(seen, [/^fail small: fails with K8TS_FUZZ_SEED=\d+ \[100\] Error: too large/]);
});

t.test('finds a changed prototype and too much CPU time', async (t) => {
  const { seen, test } = listener();
  await fuzz(test, 'pollution', fc.constant('polluted'), (key) => {
    (Object.prototype as unknown as Record<string, unknown>)[key] = 1;
  });
  Reflect.deleteProperty(Object.prototype, 'polluted');
  await fuzz(test, 'slow', fc.constant(30), (ms) => spin(ms), { runs: 1, maxCpuMs: 10 });
  t.match(seen, [/^fail pollution[\s\S]*prototypes have other keys/, /^fail slow[\s\S]*ms of CPU time/]);
});

function spin(ms: number): void {
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user < ms * 1_000);
}

t.test('every run has the same inputs', async (t) => {
  const collect = async () => {
    const values: string[] = [];
    const inputs = fc.tuple(jsonValues, mutatedBytes(fc.constant(Buffer.from('abc'))), trickyKeys);
    await fuzz(listener().test, 'collect', inputs, (value) => void values.push(fc.stringify(value)), { runs: 20 });
    return values;
  };
  const first = await collect();
  t.ok(first.length >= 20);
  t.strictSame(await collect(), first);
});

t.test('an object with __proto__ as a key of its own', async (t) => {
  const object = objectOf([['__proto__', 1]]);
  t.strictSame(Object.keys(object), ['__proto__']);
  t.equal(Object.getPrototypeOf(object), Object.prototype);
});

t.test('a quadratic pattern is found, a linear one is not', async (t) => {
  t.type(
    slowestString((text) => /\s+$/.test(text)),
    'string',
  );
  t.equal(
    slowestString((text) => text.trimEnd()),
    undefined,
  );
});
