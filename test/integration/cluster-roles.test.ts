// Aggregated ClusterRoles with the real API server, its RBAC and all controllers in this process.
import t from 'tap';
import { type ClusterRole, clusterRoleBindings, clusterRoles, namespaces, pods } from '../../controlplane/api/index';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(60_000);

const rule = (...resources: string[]) => ({ apiGroups: [''], resources, verbs: ['get', 'list'] });
const role = (name: string, labels: Record<string, string>, ...resources: string[]): ClusterRole => ({
  metadata: { name, labels },
  rules: resources.map((resource) => rule(resource)),
});
const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
/** Resolves when the role has one rule for each of these resources, in this order. */
const hasRules = (client: Client, name: string, ...resources: string[]) =>
  eventually(
    client,
    clusterRoles,
    ([found]) => JSON.stringify(found?.rules ?? []) === JSON.stringify(resources.map((each) => rule(each))),
    named(name),
  );

t.test('a role has the rules of those it selects, as they come, change and go', async (t) => {
  const { client, server } = await openControlPlane(t);
  const to = { 'example.com/to': 'sum' };
  const sum = {
    ...role('sum', {}, 'secrets'),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: to }] },
  };
  await client.create(clusterRoles, sum);
  await hasRules(client, 'sum');
  t.pass('what a user wrote into it is gone');
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sum' };
  await client.create(clusterRoleBindings, {
    metadata: { name: 'ann' },
    roleRef,
    subjects: [{ kind: 'User', name: 'ann' }],
  });
  const ann = server.client('ann');
  await t.rejects(ann.list(pods), { code: 'Forbidden' });

  await client.create(clusterRoles, role('z', to, 'pods'));
  await hasRules(client, 'sum', 'pods');
  t.same((await ann.list(pods)).items, [], 'the permission is effective');
  await client.create(clusterRoles, role('a', {}, 'services'));
  await client.patch(clusterRoles, 'a', 'merge', { metadata: { labels: to } });
  await hasRules(client, 'sum', 'services', 'pods');
  await client.patch(clusterRoles, 'a', 'merge', { rules: [rule('nodes'), rule('pods')] });
  await hasRules(client, 'sum', 'nodes', 'pods');
  await client.delete(clusterRoles, 'z');
  await client.patch(clusterRoles, 'a', 'merge', { rules: [rule('nodes')] });
  await hasRules(client, 'sum', 'nodes');
  await client.patch(clusterRoles, 'sum', 'merge', { rules: [rule('pods')] });
  await hasRules(client, 'sum', 'nodes');
  await t.rejects(ann.list(pods), { code: 'Forbidden' });
  const { managedFields } = (await client.get(clusterRoles, 'sum')).metadata ?? {};
  t.match(
    managedFields?.find(({ operation }) => operation === 'Apply'),
    { manager: 'clusterrole-aggregation-controller', fieldsV1: { 'f:rules': {} } },
  );

  t.comment('roles in a chain, and in a circle');
  const whole = { ...role('whole', to), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] } };
  await client.create(clusterRoles, whole);
  await client.create(clusterRoles, role('part', { part: 'yes' }, 'events'));
  await hasRules(client, 'sum', 'nodes', 'events');
  await client.patch(clusterRoles, 'sum', 'merge', { metadata: { labels: { part: 'yes' } } });
  await hasRules(client, 'whole', 'events', 'nodes');

  t.comment('without the aggregationRule the rules are its own');
  await client.delete(clusterRoles, 'whole');
  await client.patch(clusterRoles, 'sum', 'merge', { aggregationRule: null, rules: [rule('secrets')] });
  await client.patch(clusterRoles, 'a', 'merge', { rules: [rule('pods')] });
  await client.create(clusterRoles, { ...sum, metadata: { name: 'later' } });
  await hasRules(client, 'later', 'pods');
  await hasRules(client, 'sum', 'secrets');
});

t.test('admin, edit and view, and what others add to them', async (t) => {
  const { client } = await openControlPlane(t);
  const lengthOf = async (name: string) => (await client.get(clusterRoles, name)).rules?.length ?? 0;
  const names = ['admin', 'edit', 'view'].map((name) => `system:aggregate-to-${name}`);
  const parts = await Promise.all([...names, 'system:aggregated-metrics-reader'].map(lengthOf));
  const all = parts.reduce((sum, part) => sum + part, 0);
  const [admin] = await eventually(client, clusterRoles, ([found]) => found?.rules?.length === all, named('admin'));
  const ofEdit = (await client.get(clusterRoles, 'edit')).rules ?? [];
  t.same(admin?.rules?.slice(0, ofEdit.length), ofEdit, 'edit comes before system:aggregate-to-admin');

  await client.create(namespaces, { metadata: { name: 'a' } });
  const label = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const widgets = { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] };
  await client.create(clusterRoles, { metadata: { name: 'widget-viewer', labels: label }, rules: [widgets] });
  for (const name of ['view', 'edit', 'admin']) {
    const holds = ([found]: readonly ClusterRole[]) =>
      found?.rules?.some(({ resources }) => resources?.includes('widgets')) ?? false;
    await eventually(client, clusterRoles, holds, named(name));
  }
});
