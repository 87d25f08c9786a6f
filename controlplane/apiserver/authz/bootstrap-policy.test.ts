import t from 'tap';
import { bootstrapClusterRoles } from './bootstrap-policy';

// Whoever writes status.loadBalancer.ingress has every node catch the traffic to that address (CVE-2020-8554).
t.test('only administrators of the cluster and the controllers may write the status of Services', async (t) => {
  const writing = ['create', 'patch', 'update', '*'];
  const mayWrite = bootstrapClusterRoles.filter(({ rules }) =>
    rules?.some(
      ({ apiGroups = [], resources = [], verbs }) =>
        ['', '*'].some((group) => apiGroups.includes(group)) &&
        ['services/status', '*/status', '*'].some((resource) => resources.includes(resource)) &&
        verbs.some((verb) => writing.includes(verb)),
    ),
  );
  t.same(
    mayWrite.map(({ metadata }) => metadata?.name),
    ['cluster-admin', 'system:kube-controller-manager'],
  );
});
