import t from 'tap';
import type { Definition } from '../../api/schema/schema';
import { renderCustom } from './custom';

const metadata = { $ref: 'meta' };
const definition: Definition = {
  type: 'object',
  description: 'A widget.',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        color: { type: 'string', enum: ['red'], default: 'red' },
        note: { type: 'string', nullable: true },
        port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
        list: { type: 'array', 'x-kubernetes-preserve-unknown-fields': true, items: { type: 'string' } },
        open: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        labels: { type: 'object', additionalProperties: { type: 'string', nullable: true } },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } },
      },
      'x-kubernetes-validations': [{ rule: 'true' }],
    },
  },
};

const meta = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata };

t.test('version 3 shows the whole schema', async (t) => {
  const rendered = renderCustom(definition, metadata, 'v3');
  t.match(rendered, { ...definition, properties: { ...definition.properties, ...meta } });
  const { spec } = rendered['properties'] as Record<string, { properties: Record<string, object> }>;
  t.match(spec!.properties['template'], { properties: { spec: { type: 'object' }, ...meta } });
});

t.test('version 2 lets kubectl accept what the server accepts', async (t) => {
  const { properties } = renderCustom(definition, metadata, 'v2') as {
    properties: Record<string, { properties: Record<string, object> }>;
  };
  const fields = properties['spec']!.properties;
  t.strictSame(fields['note'], {});
  t.strictSame(fields['port'], { 'x-kubernetes-int-or-string': true });
  t.strictSame(fields['free'], { 'x-kubernetes-preserve-unknown-fields': true });
  t.strictSame(fields['list'], { 'x-kubernetes-preserve-unknown-fields': true });
  t.strictSame(fields['open'], {
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  });
  t.strictSame(fields['labels'], { type: 'object', additionalProperties: {} });
  t.match(fields['template'], { properties: meta });
  t.match(fields['color'], { type: 'string', enum: ['red'] });
});

t.test(
  'version 2 names no field of a kind that keeps unknown fields: kubectl would refuse those that it does not name',
  async (t) => {
    const open: Definition = { ...definition, 'x-kubernetes-preserve-unknown-fields': true };
    t.strictSame(renderCustom(open, metadata, 'v2'), { type: 'object' });
    t.match(renderCustom(open, metadata, 'v3'), { type: 'object', properties: meta });
  },
);

t.test('the definition is not changed', async (t) => {
  const before = structuredClone(definition);
  renderCustom(definition, metadata, 'v2');
  t.same(definition, before);
});
