import t from 'tap';
import { documentsOf } from './documents';
import { templateOf } from './templates';

const deployments = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };

t.test('a template names its object, in the namespace that is shown', async (t) => {
  t.match(documentsOf(templateOf(deployments, 'shop')), [
    { line: 1, apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'example' },
  ]);
  t.match(templateOf(deployments, ''), '  namespace: default\n');
});

t.test('nested parts are indented', async (t) => {
  t.match(templateOf(deployments, 'shop'), '\n      containers:\n        - name: main\n');
});

t.test('a kind without a template has what every object has', async (t) => {
  const widgets = { group: 'x.io', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: false };
  t.equal(templateOf(widgets, 'shop'), 'apiVersion: x.io/v1\nkind: Widget\nmetadata:\n  name: example\n');
});
