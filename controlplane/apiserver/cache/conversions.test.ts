// Conversions of cached objects: each once, together where possible, and none lost by another's failure.
import t from 'tap';
import { defineKind, type Kind } from '../../api/kind';
import type { Versions } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import type { CachedObject } from './cache';
import { Conversions, maxBatchBytes } from './conversions';
import { ConvertedObjects } from './converted-objects';
import { Codec } from './encode';

const kindOf = (version: string, mixedVersions?: true): Kind =>
  defineKind({
    group: 'g.io',
    version,
    kind: 'Thing',
    plural: 'things',
    namespaced: true,
    schema: { definition: {} },
    ...(mixedVersions ? { mixedVersions, upgrade: (object: KubeObject) => object } : {}),
  });
const v2 = kindOf('v2');
const stored = new Codec(kindOf('v1', true));

let revision = 10;
function entry(name: string, version = 'v1', rest: object = {}): CachedObject {
  const object = { apiVersion: `g.io/${version}`, kind: 'Thing', metadata: { name, namespace: 'n' }, ...rest };
  return stored.decode(`n/${name}`, stored.encode(stored.prepare(object)), ++revision);
}

/** Converts when it is released; a batch with an object `bad` fails. */
function slow() {
  const batches: string[][] = [];
  const waiting: (() => void)[] = [];
  const versions: Versions = {
    byApiVersion: () => undefined,
    convert: async (objects, to) => {
      batches.push(objects.map(({ metadata }) => metadata?.name ?? ''));
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (objects.some(({ metadata }) => metadata?.name === 'bad')) throw new Error('cannot convert');
      return objects.map((object) => ({ ...object, apiVersion: to.apiVersion }));
    },
  };
  const release = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { batches, versions, release };
}
const atOnce: Versions = {
  byApiVersion: () => undefined,
  convert: (objects, to) => objects.map((object) => ({ ...object, apiVersion: to.apiVersion })),
};
const versionsOf = (entries: readonly CachedObject[]) => entries.map(({ object }) => object.apiVersion);

t.test('objects of the version itself are passed on', async (t) => {
  const { versions, batches } = slow();
  const conversions = new Conversions(v2, versions, new ConvertedObjects());
  const entries = [entry('a', 'v2'), entry('b', 'v2')];
  t.equal(conversions.all(entries), entries, 'the same array');
  t.strictSame(batches, []);
});

t.test('a conversion without a program outside does not wait', async (t) => {
  const conversions = new Conversions(v2, atOnce, new ConvertedObjects());
  const shown = conversions.all([entry('a'), entry('b', 'v2')]);
  t.notOk(shown instanceof Promise);
  t.strictSame(versionsOf(shown as readonly CachedObject[]), ['g.io/v2', 'g.io/v2']);
});

t.test(
  'each object is converted once: in one call with the others, and also for readers that come meanwhile',
  async (t) => {
    const { versions, batches, release } = slow();
    const conversions = new Conversions(v2, versions, new ConvertedObjects());
    const [a, b, c] = [entry('a'), entry('b'), entry('c')];
    const first = conversions.all([a!, b!]);
    const second = conversions.all([b!, c!, a!]);
    release();
    t.strictSame(versionsOf(await first), ['g.io/v2', 'g.io/v2']);
    const shown = await second;
    t.strictSame(
      shown.map(({ key }) => key),
      ['n/b', 'n/c', 'n/a'],
      'in the order of the reader',
    );
    t.strictSame(batches, [['a', 'b'], ['c']]);
    t.notOk(conversions.all([c!, a!]) instanceof Promise, 'known from now on');
  },
);

t.test('a reader does not fail for an object that another reader asked for', async (t) => {
  const { versions, batches, release } = slow();
  const conversions = new Conversions(v2, versions, new ConvertedObjects());
  const [good, bad] = [entry('good'), entry('bad')];
  const all = conversions.all([good!, bad!]);
  const alone = conversions.all([good!]);
  const failed = t.rejects(Promise.resolve(all), { message: 'cannot convert' });
  release();
  await failed;
  await new Promise(setImmediate);
  release();
  t.strictSame(versionsOf(await alone), ['g.io/v2']);
  t.strictSame(batches, [['good', 'bad'], ['good']]);
});

t.test('a call has objects of one version, and a bounded size', async (t) => {
  const { versions, batches, release } = slow();
  const conversions = new Conversions(v2, versions, new ConvertedObjects());
  const large = { spec: 'x'.repeat(maxBatchBytes / 2) };
  const shown = conversions.all([
    entry('a', 'v1'),
    entry('b', 'v3'),
    entry('c', 'v3', large),
    entry('d', 'v3', large),
  ]) as Promise<readonly CachedObject[]>;
  let done = false;
  void shown.then(() => {
    done = true;
  });
  while (!done) {
    release();
    await new Promise(setImmediate);
  }
  t.equal((await shown).length, 4);
  t.strictSame(batches, [['a'], ['b', 'c'], ['d']]);
});

t.test('what is kept is bounded by bytes: the object used least recently is converted again', async (t) => {
  const size = (converted: CachedObject) => converted.json.length;
  const [a, b, c] = [entry('a'), entry('b'), entry('c')];
  const probe = new Conversions(v2, atOnce, new ConvertedObjects());
  const [one] = probe.all([a!]) as readonly CachedObject[];
  const conversions = new Conversions(v2, atOnce, new ConvertedObjects(2 * size(one!)));
  conversions.all([a!]);
  conversions.all([b!]);
  t.ok(conversions.known(a!), 'a was used last');
  conversions.all([c!]);
  t.notOk(conversions.known(b!));
  t.ok(conversions.known(a!) && conversions.known(c!));
});

t.test('the last state of a deleted object is not converted again', async (t) => {
  const conversions = new Conversions(v2, atOnce, new ConvertedObjects());
  const before = entry('a');
  const last = stored.restamp(before, 99);
  t.notOk(conversions.knownLast(last, before), 'unless it never was');
  conversions.all([before]);
  const shown = conversions.knownLast(last, before)!;
  t.match(shown.object, { apiVersion: 'g.io/v2', metadata: { name: 'a', resourceVersion: '99' } });
});
