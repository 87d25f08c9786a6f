import t from 'tap';
import type { Definition } from '../schema/schema';
import { resolveFieldPath } from './field-path';

const schema: Definition = {
  properties: {
    spec: {
      properties: {
        size: { type: 'integer' },
        labels: { additionalProperties: { type: 'string' } },
        'a.b': { type: 'string' },
        list: { type: 'array', items: { type: 'string' } },
      },
    },
  },
};

const cases: readonly { readonly path: string; readonly brackets?: false; readonly found: string }[] = [
  { path: '.spec.size', found: 'spec.size' },
  { path: '.spec.labels.x', found: 'spec.labels[x]' },
  { path: ".spec.labels['x.y']", found: 'spec.labels[x.y]' },
  { path: ".spec['a.b']", found: 'spec.a.b' },
  { path: ".spec['a.b']", brackets: false, found: 'array notation is not allowed' },
  { path: '.spec.none', found: 'does not refer to a valid field' },
  { path: '.spec.__proto__', found: 'does not refer to a valid field' },
  { path: '.spec.size.x', found: 'does not refer to a valid field' },
  { path: '.spec.list[0]', found: 'expected single quoted string but got 0' },
  { path: 'spec', found: 'expected [ or . but got: spec' },
  { path: '.spec.', found: 'unexpected end of JSON path' },
  { path: ".spec['size'", found: 'unexpected end of JSON path' },
  { path: ".spec['\\q']", found: 'invalid string literal: invalid escape char \\q' },
];

for (const { path, brackets = true, found } of cases) {
  t.test(`${path}${brackets ? '' : ' without brackets'}`, async (t) => {
    const result = resolveFieldPath(path, schema, brackets);
    t.equal(typeof result === 'string' ? result : result.text, found);
  });
}
