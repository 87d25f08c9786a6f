import t from 'tap';
import type { Definition } from '../schema/schema';
import type { KubeObject } from '../types';
import { applyDefaults, isDefaulted } from './default-values';
import { upgraded } from './stored-object';

interface Case {
  readonly name: string;
  readonly schema: Definition;
  readonly value: object;
  readonly expected: object;
}

const text = { type: 'string' };

const cases: readonly Case[] = [
  {
    name: 'inside defaults, lists and maps, but not inside absent objects',
    schema: {
      properties: {
        a: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 2 } } },
        absent: { type: 'object', properties: { c: { type: 'string', default: 'c' } } },
        list: { type: 'array', items: { properties: { d: { default: 'd' } } } },
        map: { additionalProperties: { properties: { e: { default: true } } } },
      },
    },
    value: { list: [{}, { d: 'own' }], map: { x: {} } },
    expected: { a: { b: 2 }, list: [{ d: 'd' }, { d: 'own' }], map: { x: { e: true } } },
  },
  {
    name: 'null: dropped, replaced by the default, or kept where it may be',
    schema: {
      properties: {
        dropped: text,
        replaced: { ...text, default: 'x' },
        kept: { ...text, nullable: true, default: 'x' },
        list: { type: 'array', items: { ...text, default: 'y' } },
        map: { additionalProperties: text },
      },
    },
    value: { dropped: null, replaced: null, kept: null, list: [null], map: { a: null, b: 'b' }, unknown: null },
    expected: { replaced: 'x', kept: null, list: ['y'], map: { b: 'b' }, unknown: null },
  },
  {
    name: 'null in a list without a default stays, and is invalid',
    schema: { properties: { list: { type: 'array', items: text } } },
    value: { list: [null] },
    expected: { list: [null] },
  },
  {
    name: 'a field with the name of a prototype',
    schema: JSON.parse('{"properties":{"__proto__":{"type":"string","default":"p"}}}') as Definition,
    value: {},
    expected: JSON.parse('{"__proto__":"p"}') as object,
  },
];

for (const { name, schema, value, expected } of cases) {
  t.test(name, async (t) => {
    t.equal(isDefaulted(value, schema), JSON.stringify(value) === JSON.stringify(expected));
    applyDefaults(value, schema);
    t.strictSame(value, expected);
    t.same(Object.keys(value).sort(), Object.keys(expected).sort());
    t.ok(isDefaulted(value, schema), 'a second time changes nothing');
  });
}

t.test('a default is a copy', async (t) => {
  const schema: Definition = { properties: { a: { type: 'object', default: { b: [] } } } };
  const [one, two]: { a?: object }[] = [{}, {}];
  applyDefaults(one, schema);
  applyDefaults(two, schema);
  t.not(one!.a, two!.a);
});

const large: Definition = {
  properties: {
    list: { type: 'array', items: { properties: { a: { type: 'string', default: 'x'.repeat(10_000) } } } },
  },
};

t.test(
  'defaults that make an object larger than a body are refused, and an object that is stored is read without them',
  async (t) => {
    const object: KubeObject & { list: object[] } = { list: Array.from({ length: 1_000 }, () => ({})) };
    t.equal(upgraded(object, large), object);
    t.throws(() => applyDefaults(object, large), { code: 'TooLarge' });
  },
);

t.test('a stored object is pruned and defaulted in a copy, and is the same when nothing changes', async (t) => {
  const schema: Definition = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          a: { ...text, default: 'a' },
          list: { type: 'array', items: { type: 'object', properties: { b: text } } },
          open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { c: { type: 'object' } } },
          embedded: {
            type: 'object',
            'x-kubernetes-embedded-resource': true,
            properties: { spec: { type: 'object' } },
          },
        },
      },
    },
  };
  const meta = { apiVersion: 'example.com/v1', kind: 'A', metadata: { name: 'a' } };
  const settled = {
    ...meta,
    spec: {
      a: 'b',
      list: [{ b: 'b' }],
      open: { any: { thing: 1 }, c: {} },
      embedded: { ...meta, spec: {} },
    },
  };
  t.equal(upgraded(settled, schema), settled);
  const old = {
    ...meta,
    more: 1,
    spec: {
      list: [{ b: 'b', more: 1 }],
      open: { any: { thing: 1 }, c: { more: 1 } },
      embedded: { ...meta, more: 1, spec: { more: 1 } },
    },
  };
  const before = structuredClone(old);
  t.same(upgraded(old, schema), { ...settled, spec: { ...settled.spec, a: 'a' } });
  t.same(old, before, 'the argument did not change');
});
