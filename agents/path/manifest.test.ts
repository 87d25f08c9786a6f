import t from 'tap';
import { parse } from 'yaml';
import { maxManifestBytes, readManifest, readWithout } from './manifest';

t.test('objects of all documents, with their namespaces, Namespaces first', async (t) => {
  const text = `
apiVersion: v1
kind: Service
metadata: { name: web }
---
# nothing
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: c, namespace: x } }
  - { apiVersion: v1, kind: Namespace, metadata: { name: x } }
`;
  const { wanted, ignored } = await readManifest(
    [text, '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"x"}}'],
    'shop',
    parse,
  );
  t.strictSame(
    wanted.map(({ kind, key }) => `${kind.kind} ${key}`),
    ['Namespace x', 'Service shop/web', 'Deployment x/d'],
  );
  t.match(wanted[1]?.object, { metadata: { namespace: 'shop' } });
  t.strictSame(ignored, ['ConfigMap x/c']);
});

t.test('what is no manifest', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['null\n--- \n- 1', /no object of the API/],
    ['{"kind":"List","items":[null]}', /no object of the API/],
    ['{"kind":"A","metadata":{"name":"a"}}\n---\n'.repeat(201), /at most 200 objects/],
    ['- 1', /no object of the API/],
    ['{"kind":"Service","apiVersion":"v1"}', /Service of the manifest has no metadata.name/],
    [`${'{"kind":"Service","apiVersion":"v1","metadata":{"name":"a"}}\n---\n'.repeat(2)}`, /in the manifest twice/],
    [`# ${'x'.repeat(maxManifestBytes)}`, /at most 256 KiB/],
  ];
  for (const [text, message] of cases)
    await t.rejects(readManifest([text], 'shop', parse), { message }, text.slice(0, 40));
});

t.test('objects to delete', async (t) => {
  const read = (text: string) => {
    const { kind, key } = readWithout(text, 'shop');
    return `${kind.kind} ${key}`;
  };
  t.equal(read('svc/web'), 'Service shop/web');
  t.equal(read('networkpolicy/a/deny'), 'NetworkPolicy a/deny');
  t.equal(read('Deployments/web'), 'Deployment shop/web');
  for (const text of ['web', 'secret/a', 'ns/a', 'svc/a/b/c', 'svc/..', 'ingressclass/a/b'])
    t.throws(() => read(text), { message: /expected KIND\/NAME/ }, text);
});
