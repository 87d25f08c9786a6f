import t from 'tap';
import type { Definition } from '../../../api/schema/schema';
import { restricted } from './restrict';

const text: Definition = { type: 'string' };
const object = (properties: Readonly<Record<string, Definition>>): Definition => ({ type: 'object', properties });
const opaque: Definition = { 'x-kubernetes-preserve-unknown-fields': true };

t.test('only fields that an expression names keep their structure', async (t) => {
  const schema = object({
    a: object({ b: text }),
    'c-d': { type: 'array', items: object({ e: object({}) }) },
    map: { type: 'object', additionalProperties: object({ f: text }) },
    other: object({ g: text }),
    scalar: text,
  });
  t.same(restricted(schema, ['self.a == oldSelf.a', 'self.c__dash__d.all(x, self.map[x] != "")']), {
    ...schema,
    properties: {
      ...schema.properties,
      'c-d': { type: 'array', items: object({ e: opaque }) },
      other: opaque,
    },
  });
});

t.test('the number of objects has a bound', async (t) => {
  const names = Array.from({ length: 500 }, (_, i) => `f${i}`);
  const schema = object(Object.fromEntries(names.map((name) => [name, object({ a: text })])));
  const kept = Object.values(restricted(schema, names).properties ?? {}).filter(({ type }) => type === 'object');
  t.equal(kept.length, 149);
});
