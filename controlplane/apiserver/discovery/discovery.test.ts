import t from 'tap';
import { registry } from '../../api/registry';
import { virtualResources } from '../../api/virtual';
import { aggregatedDiscovery, apiGroup, apiGroups, apiResources, coreVersions } from './discovery';

const kinds = [...registry, ...virtualResources];

t.test('groups and their versions', async (t) => {
  t.same(coreVersions('10.0.0.1:6443').serverAddressByClientCIDRs, [
    { clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' },
  ]);
  const names = apiGroups(kinds).groups.map((group) => group.name);
  t.same(new Set(names), new Set(kinds.map((k) => k.group).filter((g) => g !== '')));
  t.same(names.slice(0, 2), ['apiregistration.k8s.io', 'apps']);
  t.same(apiGroup(kinds, 'apps'), {
    kind: 'APIGroup',
    apiVersion: 'v1',
    name: 'apps',
    versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
    preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
  });
  t.equal(apiGroup(kinds, 'nothing.example'), undefined);
  t.equal(apiGroup(kinds, ''), undefined);
});

t.test('resources of one version', async (t) => {
  const core = apiResources(kinds, '', 'v1');
  t.equal(core?.groupVersion, 'v1');
  t.equal(core?.apiVersion, undefined);
  const find = (name: string) => core?.resources.find((resource) => resource.name === name);
  t.match(find('pods'), {
    singularName: 'pod',
    namespaced: true,
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
  });
  t.match(find('pods/status'), { singularName: '', namespaced: true, kind: 'Pod', verbs: ['get', 'patch', 'update'] });
  t.match(find('pods/eviction'), { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] });
  t.match(find('bindings'), { kind: 'Binding', verbs: ['create'], storageVersionHash: undefined });
  t.match(find('nodes'), { namespaced: false });
  const apps = apiResources(kinds, 'apps', 'v1');
  t.equal(apps?.apiVersion, 'v1');
  t.match(
    apps?.resources.find(({ name }) => name === 'deployments/scale'),
    { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] },
  );
  t.equal(apiResources(kinds, 'apps', 'v2'), undefined);
  t.equal(apiResources(kinds, 'nothing', 'v1'), undefined);
});

t.test('the aggregated form has the same content', async (t) => {
  for (const [root, groups] of [
    ['api', ['']],
    ['apis', apiGroups(kinds).groups.map(({ name }) => name)],
  ] as const) {
    const document = aggregatedDiscovery(kinds, root);
    t.equal(document.apiVersion, 'apidiscovery.k8s.io/v2');
    t.same(
      document.items.map(({ metadata }) => metadata.name ?? ''),
      groups,
    );
    for (const { metadata, versions } of document.items) {
      for (const { version, resources } of versions) {
        const plain = apiResources(kinds, metadata.name ?? '', version)?.resources.map(
          ({ name, verbs }) => `${name} ${verbs}`,
        );
        const flat = resources.flatMap(({ resource, verbs, subresources }) => [
          `${resource} ${verbs}`,
          ...(subresources ?? []).map((sub) => `${resource}/${sub.subresource} ${sub.verbs}`),
        ]);
        t.same(flat, plain, metadata.name ?? 'core');
      }
    }
  }
});
