import t from 'tap';
import { pods } from '../../api/pod';
import { loadSchemas } from '../../api/schema/load';
import { services } from '../../api/service';
import type { AppError } from '../../base/errors';
import { StatusError } from '../status';
import { applyPatch, patchTypes } from './patch';
import { patchRejected } from './rejected';

const schemas = loadSchemas();
const podSchema = schemas.of(pods);

/** The message of the error, with the cause of 422 answers. */
function failure(fn: () => unknown): string {
  try {
    fn();
    return 'nothing';
  } catch (err) {
    const { code, message, cause } = err as AppError;
    // Clients do not see the reason; the cause has it.
    const why = message === patchRejected && cause instanceof Error ? cause.message : message;
    return err instanceof StatusError ? `${err.status}: ${why}` : `${code}: ${why}`;
  }
}

t.test('JSON patch', async (t) => {
  const cases: Array<{ name: string; original: object; patch: unknown; result?: object; error?: string }> = [
    { name: 'add', original: { a: 1 }, patch: [{ op: 'add', path: '/b', value: 2 }], result: { a: 1, b: 2 } },
    {
      name: 'add into a list, at the end and before an element',
      original: { l: [1, 3] },
      patch: [
        { op: 'add', path: '/l/1', value: 2 },
        { op: 'add', path: '/l/-', value: 4 },
      ],
      result: { l: [1, 2, 3, 4] },
    },
    {
      name: 'escaped keys',
      original: { 'a/b~c': 1 },
      patch: [{ op: 'replace', path: '/a~1b~0c', value: 2 }],
      result: { 'a/b~c': 2 },
    },
    {
      name: 'remove',
      original: { a: 1, l: [1, 2] },
      patch: [{ op: 'remove', path: '/l/0' }],
      result: { a: 1, l: [2] },
    },
    {
      name: 'replace',
      original: { a: { b: 1 } },
      patch: [{ op: 'replace', path: '/a', value: null }],
      result: { a: null },
    },
    {
      name: 'replace what is missing in an object, as if it were null',
      original: { a: {} },
      patch: [{ op: 'replace', path: '/a/b', value: 1 }],
      result: { a: { b: 1 } },
    },
    {
      name: 'copy what is missing in an object',
      original: { a: {} },
      patch: [{ op: 'copy', from: '/a/b', path: '/c' }],
      result: { a: {}, c: null },
    },
    { name: 'move', original: { a: 1 }, patch: [{ op: 'move', from: '/a', path: '/b' }], result: { b: 1 } },
    { name: 'copy', original: { a: [1] }, patch: [{ op: 'copy', from: '/a', path: '/b' }], result: { a: [1], b: [1] } },
    {
      name: 'test',
      original: { a: { x: 1, y: 2 } },
      patch: [{ op: 'test', path: '/a', value: { y: 2, x: 1 } }],
      result: { a: { x: 1, y: 2 } },
    },
    {
      name: 'test of a missing field against null',
      original: {},
      patch: [{ op: 'test', path: '/a', value: null }],
      result: {},
    },
    {
      name: 'test fails',
      original: { a: 1 },
      patch: [{ op: 'test', path: '/a', value: 2 }],
      error: 'Invalid: testing value /a failed: test failed',
    },
    {
      name: 'remove of a missing field',
      original: {},
      patch: [{ op: 'remove', path: '/a' }],
      error: "Invalid: error in remove for path: '/a': Unable to remove nonexistent key: a: missing value",
    },
    {
      name: 'the result is not an object',
      original: {},
      patch: [
        { op: 'replace', path: '', value: [] },
        { op: 'add', path: '/-', value: null },
      ],
      error: 'Invalid: the patch leaves no object',
    },
    {
      name: 'parent is missing',
      original: {},
      patch: [{ op: 'add', path: '/a/b', value: 1 }],
      error: 'Invalid: add operation does not apply: doc is missing path: "/a/b": missing value',
    },
    {
      name: 'index out of range',
      original: { l: [] },
      patch: [{ op: 'add', path: '/l/1', value: 1 }],
      error: "Invalid: error in add for path: '/l/1': Unable to access invalid index: 1: invalid index referenced",
    },
    {
      name: 'unknown operation',
      original: {},
      patch: [{ op: 'jump', path: '/a' }],
      error: 'Invalid: Unexpected kind: jump',
    },
    {
      name: 'add into a value that is not a list',
      original: {},
      patch: { op: 'add' },
      error:
        'BadRequest: error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    },
    {
      name: 'an operation without a path',
      original: {},
      patch: [{ op: 'add' }],
      error: 'Invalid: add operation has no path',
    },
    {
      name: 'the whole document cannot be added, removed, moved or copied',
      original: {},
      patch: [{ op: 'add', path: '', value: {} }],
      error: 'Invalid: add operation does not apply: doc is missing path: "": missing value',
    },
    {
      name: 'a copy of the whole document',
      original: {},
      patch: [{ op: 'copy', from: '', path: '/a' }],
      error: 'Invalid: copy operation does not apply: doc is missing from path: : missing value',
    },
    {
      name: 'the whole document is replaced by a number',
      original: {},
      patch: [{ op: 'replace', path: '', value: 1 }],
      error: 'Invalid: replace operation value must be object or array',
    },
    {
      name: 'the whole document is replaced',
      original: { a: 1 },
      patch: [{ op: 'replace', path: '', value: { b: 2 } }],
      result: { b: 2 },
    },
    {
      name: 'negative indices count from the end',
      original: { l: [1, 2, 3], m: [{ a: 1 }] },
      patch: [
        { op: 'test', path: '/l/-1', value: 3 },
        { op: 'replace', path: '/l/-3', value: 'first' },
        { op: 'remove', path: '/l/-2' },
        { op: 'add', path: '/l/-1', value: 'end' },
        { op: 'add', path: '/l/-4', value: 'start' },
        { op: 'replace', path: '/m/-1/a', value: 2 },
        { op: 'copy', from: '/l/-1', path: '/c' },
        { op: 'move', from: '/l/-1', path: '/l/0' },
      ],
      result: { l: ['end', 'start', 'first', 3], m: [{ a: 2 }], c: 'end' },
    },
    {
      name: 'indices with a sign or leading zeros',
      original: { l: [1] },
      patch: [
        { op: 'add', path: '/l/+1', value: 2 },
        { op: 'replace', path: '/l/00', value: 0 },
      ],
      result: { l: [0, 2] },
    },
    {
      name: 'a negative index out of range',
      original: { l: [1] },
      patch: [{ op: 'add', path: '/l/-3', value: 1 }],
      error: "Invalid: error in add for path: '/l/-3': Unable to access invalid index: -3: invalid index referenced",
    },
    {
      name: 'a negative index out of range, replaced',
      original: { l: [1] },
      patch: [{ op: 'replace', path: '/l/-2', value: 1 }],
      error: 'Invalid: replace operation does not apply: doc is missing key: /l/-2: missing value',
    },
    {
      name: 'no index',
      original: { l: [1] },
      patch: [{ op: 'add', path: '/l/x', value: 1 }],
      error:
        "Invalid: error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
    },
    {
      name: 'a value that is absent is null',
      original: { a: 1, b: 2, l: [] },
      patch: [
        { op: 'add', path: '/a' },
        { op: 'replace', path: '/b' },
        { op: 'add', path: '/l/-' },
        { op: 'test', path: '/none' },
      ],
      result: { a: null, b: null, l: [null] },
    },
    { name: 'null for a patch', original: { a: 1 }, patch: null, result: { a: 1 } },
    { name: 'null for an operation', original: {}, patch: [null], error: 'Invalid: Unexpected kind: unknown' },
    {
      name: 'a pointer without a slash at its start',
      original: {},
      patch: [{ op: 'add', path: 'x/a', value: 1 }],
      result: { a: 1 },
    },
    {
      name: 'a key that names a prototype',
      original: {},
      patch: [{ op: 'add', path: '/__proto__/a', value: 1 }],
      error: 'Invalid: add operation does not apply: doc is missing path: "/__proto__/a": missing value',
    },
  ];
  for (const { name, original, patch, result, error } of cases) {
    const before = structuredClone(original);
    if (error)
      t.equal(
        failure(() => applyPatch(patchTypes.json, original, patch, podSchema)),
        error,
        name,
      );
    else t.same(applyPatch(patchTypes.json, original, patch, podSchema), result, name);
    t.same(original, before, `${name}: the original stays`);
  }
  const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: null }));
  t.match(
    failure(() => applyPatch(patchTypes.json, {}, many, podSchema)),
    /allowed maximum operations in a JSON patch is 10000, got 10001/,
  );
});

t.test('JSON merge patch: the examples of RFC 7386, appendix A, that are objects', async (t) => {
  const cases: Array<[object, object, object]> = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [original, patch, result] of cases) {
    t.same(applyPatch(patchTypes.merge, original, patch, podSchema), result, JSON.stringify(patch));
  }
  t.equal(
    failure(() => applyPatch(patchTypes.merge, {}, [], podSchema)),
    'BadRequest: error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
  );
});

t.test('a media type that is not a patch', async (t) => {
  t.match(
    failure(() => applyPatch('text/plain', {}, {}, podSchema)),
    /^Unsupported: .*accepted media types include: application\/json-patch\+json/,
  );
});

t.test('__proto__ and constructor are ordinary keys', async (t) => {
  const patch = JSON.parse('{"__proto__":{"polluted":true}}');
  for (const type of [patchTypes.merge, patchTypes.strategic]) {
    const result = applyPatch(type, { a: 1 }, patch, podSchema);
    t.same(Object.keys(result), ['a', '__proto__'], type);
    t.equal(Object.getPrototypeOf(result), Object.prototype, type);
  }
});

t.test('strategic merge patch', async (t) => {
  const c = (name: string, rest: object = {}) => ({ name, image: 'i', ...rest });
  const spec = (...containers: object[]) => ({ spec: { containers } });
  const cases: Array<{
    name: string;
    kind?: typeof pods;
    original: object;
    patch: object;
    result?: object;
    error?: RegExp;
  }> = [
    {
      name: 'a known element is merged, the others stay',
      original: spec(c('a'), c('b')),
      patch: spec({ name: 'b', image: 'j' }),
      result: spec(c('a'), c('b', { image: 'j' })),
    },
    {
      name: 'a new element comes before those the patch does not name',
      original: spec(c('a'), c('b')),
      patch: spec(c('n')),
      result: spec(c('n'), c('a'), c('b')),
    },
    {
      name: '$setElementOrder places new and old',
      original: spec(c('a'), c('b')),
      patch: {
        spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }, { name: 'n' }], containers: [c('n')] },
      },
      result: spec(c('b'), c('a'), c('n')),
    },
    {
      name: '$setElementOrder keeps an element that is only in the live object before the element that followed',
      original: spec(c('a'), c('live'), c('b')),
      patch: { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
      result: spec(c('live'), c('b'), c('a')),
    },
    {
      name: '$setElementOrder must know every element of the patch',
      original: spec(c('a')),
      patch: { spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [c('x')] } },
      error: /^500: The order in patch list:\n\[x\]\n doesn't match \$setElementOrder list:\n\[a\]\n$/,
    },
    {
      name: 'delete an element',
      original: spec(c('a'), c('b')),
      patch: spec({ name: 'a', $patch: 'delete' }),
      result: spec(c('b')),
    },
    {
      name: 'replace a list',
      original: spec(c('a'), c('b')),
      patch: spec({ $patch: 'replace' }, c('n')),
      result: spec(c('n')),
    },
    {
      name: 'replace an object',
      original: { spec: { securityContext: { runAsUser: 1, fsGroup: 2 } } },
      patch: { spec: { securityContext: { $patch: 'replace', runAsUser: 3 } } },
      result: { spec: { securityContext: { runAsUser: 3 } } },
    },
    {
      name: 'delete the content of an object',
      original: { spec: { securityContext: { runAsUser: 1 } } },
      patch: { spec: { securityContext: { $patch: 'delete' } } },
      result: { spec: { securityContext: {} } },
    },
    {
      name: 'null deletes, also below something new',
      original: { metadata: { labels: { a: '1', b: '2' } } },
      patch: { metadata: { labels: { a: null }, annotations: { x: null, y: '1' } } },
      result: { metadata: { labels: { b: '2' }, annotations: { y: '1' } } },
    },
    {
      name: 'the elements of a new list need no merge key',
      original: {},
      patch: spec({ image: 'x' }, { name: 'b', $patch: 'delete' }),
      result: spec({ image: 'x' }),
    },
    {
      name: 'lists without a merge key are replaced',
      original: spec(c('a', { args: ['1', '2'] })),
      patch: spec({ name: 'a', args: ['3'] }),
      result: spec(c('a', { args: ['3'] })),
    },
    {
      name: 'sets of scalars are joined, and $deleteFromPrimitiveList removes items',
      original: { metadata: { finalizers: ['a/x', 'b/x'] } },
      patch: { metadata: { finalizers: ['c/x'], '$deleteFromPrimitiveList/finalizers': ['a/x'] } },
      result: { metadata: { finalizers: ['c/x', 'b/x'] } },
    },
    {
      name: '$retainKeys drops the other volume source',
      original: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      patch: { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } },
      result: { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
    },
    {
      name: '$retainKeys must name all fields of the patch',
      original: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      patch: { spec: { volumes: [{ name: 'v', $retainKeys: ['name'], hostPath: {} }] } },
      error: /^Invalid: \$retainKeys list must contain all fields present in the patch$/,
    },
    {
      name: 'an element without its merge key',
      original: spec(c('a')),
      patch: spec({ image: 'x' }),
      error: /^500: map: map\[image:x\] does not contain declared merge key: name$/,
    },
    {
      name: 'an unknown directive',
      original: {},
      patch: { $patch: 'explode' },
      error: /^500: Unknown patch type found: explode$/,
    },
    {
      name: 'an unknown directive that is not a string',
      original: {},
      patch: { $patch: { toString: null } },
      error: /Unknown patch type found: map\[toString:<nil>\]$/,
    },
    {
      name: 'the merge key of ports of a Service is port',
      kind: services as unknown as typeof pods,
      original: { spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }, { port: 81 }] } },
      patch: { spec: { ports: [{ port: 80, targetPort: 8080 }] } },
      result: { spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30080, targetPort: 8080 }, { port: 81 }] } },
    },
    {
      name: 'the merge key of conditions is type',
      original: {
        status: {
          conditions: [
            { type: 'Ready', status: 'False' },
            { type: 'X', status: 'True' },
          ],
        },
      },
      patch: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      result: {
        status: {
          conditions: [
            { type: 'Ready', status: 'True' },
            { type: 'X', status: 'True' },
          ],
        },
      },
    },
  ];
  for (const { name, kind = pods, original, patch, result, error } of cases) {
    const before = structuredClone(original);
    if (error)
      t.match(
        failure(() => applyPatch(patchTypes.strategic, original, patch, schemas.of(kind))),
        error,
        name,
      );
    else t.same(applyPatch(patchTypes.strategic, original, patch, schemas.of(kind)), result, name);
    t.same(original, before, `${name}: the original stays`);
  }
});

const big = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}`, image: 'i' }));
const doubling = [{ op: 'add', path: '/data', value: { a: 'x' } }].concat(
  Array.from({ length: 27 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/k${i}` }) as never),
);

t.test('the cost of a patch is bounded', async (t) => {
  t.match(
    failure(() => applyPatch(patchTypes.json, {}, doubling, podSchema)),
    /^Invalid: the patch copies too many fields and items$/,
  );
  const long = Array.from({ length: 4 }, (_, i) => ({ op: 'copy', from: '/a', path: `/b${i}` }));
  t.match(
    failure(() => applyPatch(patchTypes.json, { a: 'x'.repeat(1_000_000) }, long, podSchema)),
    /^Invalid: Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/,
  );
  const nesting = Array.from({ length: 2_000 }, (_, i) => ({ op: 'move', from: `/${i}`, path: `/${i + 1}/a` }));
  const made = Array.from({ length: 2_001 }, (_, i) => [String(i), {}] as const);
  t.equal(
    failure(() => applyPatch(patchTypes.json, Object.fromEntries(made), nesting, podSchema)),
    'BadRequest: exceeded max depth',
  );
  const toAndFro = Array.from({ length: 5_000 }, (_, i) =>
    i % 2 === 0 ? { op: 'move', from: '/a/b', path: '/b' } : { op: 'move', from: '/b', path: '/a/b' },
  );
  t.equal(
    failure(() => applyPatch(patchTypes.json, { a: { b: 1 } }, toAndFro, podSchema)),
    'nothing',
    'moves that add no depth',
  );
  const shifts = Array.from({ length: 10_000 }, () => ({ op: 'remove', path: '/l/0' }));
  t.match(
    failure(() => applyPatch(patchTypes.json, { l: new Array(300_000).fill(0) }, shifts, podSchema)),
    /^Invalid: the patch inserts into and removes from long lists too many times/,
  );
  t.equal(
    failure(() => applyPatch(patchTypes.json, { l: new Array(3_000).fill(0) }, shifts.slice(0, 3_000), podSchema)),
    'nothing',
    'a long list can be emptied',
  );
});

t.test('a strategic merge of long lists costs no more than their length', async (t) => {
  const start = process.cpuUsage();
  const patch = { spec: { containers: big(20_000).reverse() } };
  const merged = applyPatch(patchTypes.strategic, { spec: { containers: big(20_000) } }, patch, podSchema);
  const finalizers = Array.from({ length: 20_000 }, (_, i) => `a/${i}`);
  const { user } = process.cpuUsage(start);
  t.equal(merged.spec.containers[0]!.name, 'n19999');
  t.ok(user < 4_000_000, `${user} us; quadratic work takes minutes`);
  const kept = applyPatch(
    patchTypes.strategic,
    { metadata: { finalizers } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': finalizers.slice(1) } },
    podSchema,
  );
  t.same(kept, { metadata: { finalizers: ['a/0'] } });
});
