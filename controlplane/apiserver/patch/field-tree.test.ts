import t from 'tap';
import {
  apartFrom,
  difference,
  eachPath,
  type FieldTree,
  formatPath,
  intersection,
  isMember,
  readFields,
  sizeOf,
  union,
} from './field-tree';

/** The paths of a set in the form of messages. */
const paths = (tree: FieldTree | undefined): string[] => {
  const found: string[] = [];
  if (tree) eachPath(tree, (elements) => found.push(formatPath(elements)));
  return found;
};

t.test('FieldsV1', async (t) => {
  const fields = {
    'f:metadata': { 'f:labels': { 'f:app': {} } },
    'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
  };
  const tree = readFields(fields);
  t.same(paths(tree), [
    '.metadata.labels.app',
    '.spec.containers[name="a"]',
    '.spec.containers[name="a"].image',
    '.spec.containers[name="a"].name',
  ]);
  t.equal(sizeOf(tree), 4);
  t.same(paths(readFields({ 'i:3': {}, 'v:"x"': {}, 'f:__proto__': { 'f:a': {} } })), [
    '[3]',
    '[="x"]',
    '.__proto__.a',
  ]);
  t.equal(readFields({}), undefined);
  t.equal(readFields(undefined), undefined);
  t.throws(() => readFields({ 'f:a': 1 }), /must be an object of objects/);
  for (const key of ['__proto__', 'a', 'k:x', 'k:1', 'k:{"a":[1]}', 'v:x']) {
    t.throws(() => readFields(JSON.parse(`{${JSON.stringify(key)}:{}}`)), { code: 'BadRequest' }, key);
  }
});

t.test('sets', async (t) => {
  const a: FieldTree = { 'f:m': { '.': {}, 'f:x': {}, 'f:y': {} }, 'f:n': {} };
  for (const [name, b, both, onlyA, shared, apart] of [
    ['itself', a, a, undefined, a, undefined],
    ['a leaf', { 'f:n': {} }, a, { 'f:m': a['f:m'] }, { 'f:n': {} }, { 'f:m': a['f:m'] }],
    [
      'a container alone',
      { 'f:m': {} },
      a,
      { 'f:m': { 'f:x': {}, 'f:y': {} }, 'f:n': {} },
      { 'f:m': {} },
      { 'f:m': { 'f:x': {}, 'f:y': {} }, 'f:n': {} },
    ],
    [
      'the fields of a container without it',
      { 'f:m': { 'f:x': {}, 'f:y': {} } },
      a,
      { 'f:m': {}, 'f:n': {} },
      { 'f:m': { 'f:x': {}, 'f:y': {} } },
      { 'f:n': {} },
    ],
    [
      'below a leaf',
      { 'f:n': { 'f:z': {} } },
      { ...a, 'f:n': { '.': {}, 'f:z': {} } },
      a,
      undefined,
      { 'f:m': a['f:m'] },
    ],
    ['another field', { 'f:o': {} }, { ...a, 'f:o': {} }, a, undefined, a],
    ['nothing', undefined, a, a, undefined, a],
  ] as const) {
    t.same(union(a, b), both, `${name}: union`);
    if (both === a) t.equal(union(a, b), a, `${name}: a set that has all is returned as it is`);
    t.same(difference(a, b), onlyA, `${name}: difference`);
    if (onlyA === a) t.equal(difference(a, b), a, `${name}: a set that loses nothing is returned as it is`);
    t.same(intersection(a, b), shared, `${name}: intersection`);
    t.same(apartFrom(a, b), apart, `${name}: the parts that it has no node for`);
  }
  t.same(a, { 'f:m': { '.': {}, 'f:x': {}, 'f:y': {} }, 'f:n': {} }, 'nothing was changed in place');
  t.notOk(isMember({ 'f:x': {} }));
  t.ok(isMember({ '.': {}, 'f:x': {} }));
  t.same(union(undefined, a), a);
  t.equal(difference(undefined, a), undefined);
});
