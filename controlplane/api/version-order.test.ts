import t from 'tap';
import { compareVersions } from './version-order';

t.test('versions are ordered as Kubernetes ranks them', async (t) => {
  const ranked = [
    'v10',
    'v2',
    'v1',
    'v11beta2',
    'v10beta3',
    'v3beta1',
    'v12alpha1',
    'v11alpha2',
    'foo1',
    'foo10',
    'v01',
  ];
  t.same(ranked.toReversed().sort(compareVersions), ranked);
  t.same(ranked.toSorted(compareVersions), ranked);
  t.equal(compareVersions('v1', 'v1'), 0);
});
