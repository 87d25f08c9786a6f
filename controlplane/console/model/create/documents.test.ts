import t from 'tap';
import type { Resource } from '../discovery';
import { documentsOf, targetOf } from './documents';

const names = (text: string) =>
  documentsOf(text).map(({ line, apiVersion, kind, namespace, name }) => [line, apiVersion, kind, namespace, name]);

t.test('several documents, with the line at which each begins', async (t) => {
  const text = `# two objects
---
apiVersion: v1
kind: Namespace
metadata:
  name: "shop" # quoted
---
# only a comment
---

kind: Deployment
apiVersion: apps/v1
metadata:
  labels:
    name: other
    namespace: other
  namespace: shop
  name: web
spec:
  template:
    metadata:
      namespace: inner
...
--- {apiVersion: v1}
`;
  t.strictSame(names(text), [
    [3, 'v1', 'Namespace', '', 'shop'],
    [11, 'apps/v1', 'Deployment', 'shop', 'web'],
    [24, '', '', '', ''],
  ]);
});

t.test('lines of a document keep their numbers', async (t) => {
  const [, second] = documentsOf('a: 1\n---\nkind: X\nbad: [\n');
  t.equal(second?.body, '\n\nkind: X\nbad: [\n');
  t.equal(second?.body.split('\n')[3], 'bad: [');
});

t.test('metadata in one line, JSON, and a text in a field that looks like a border', async (t) => {
  t.strictSame(names('apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n'), [[1, 'v1', 'Pod', 'b', 'a']]);
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } };
  t.strictSame(names(JSON.stringify(object, undefined, 2)), [[1, 'v1', 'Pod', '', 'a']]);
  t.equal(documentsOf('kind: ConfigMap\ndata:\n  text: |\n    ---\n    more\n').length, 1);
  t.equal(documentsOf('kind: Pod\r\n---\r\nkind: Pod\r\n').length, 2);
  t.strictSame(documentsOf('\n# nothing\n---\n'), []);
});

t.test('where a document is created', async (t) => {
  const resource = (group: string, plural: string, kind: string, namespaced: boolean): Resource => ({
    ...{ group, version: 'v2', plural, kind, namespaced },
    verbs: ['create'],
    subresources: [],
  });
  const resources = [resource('', 'namespaces', 'Namespace', false), resource('x.io', 'widgets', 'Widget', true)];
  const pathOf = (apiVersion: string, kind: string, own: string, namespace: string) =>
    targetOf({ apiVersion, kind, namespace: own, name: '' }, resources, namespace)?.path;
  t.equal(pathOf('x.io/v1', 'Widget', 'a', 'b'), '/apis/x.io/v1/namespaces/a/widgets');
  t.equal(pathOf('x.io/v1', 'Widget', '', 'b'), '/apis/x.io/v1/namespaces/b/widgets');
  t.equal(pathOf('x.io/v1', 'Widget', '', ''), '/apis/x.io/v1/namespaces/default/widgets');
  t.equal(pathOf('v1', 'Namespace', '', 'b'), '/api/v1/namespaces');
  t.equal(pathOf('v1', 'List', '', 'b'), undefined);
  t.equal(pathOf('', 'Widget', '', 'b'), undefined);
});
