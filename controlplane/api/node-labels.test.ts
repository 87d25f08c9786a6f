import t from 'tap';
import { forbiddenNodeLabels } from './node-labels';

t.test("the labels of a node that are not the kubelet's", async (t) => {
  const forbidden = [
    'a.node-restriction.kubernetes.io/x',
    'example.k8s.io/x',
    'k8s.io/x',
    'kubernetes.io/foo',
    'node-restriction.kubernetes.io/tenant',
    'node-role.kubernetes.io/control-plane',
    'topology.kubernetes.io/rack',
  ];
  const allowed = [
    'a',
    'example.com/x',
    'example.com.kubernetes.io.example/x',
    'kubernetes.io',
    'kubernetes.io/hostname',
    'kubelet.kubernetes.io/x',
    'a.node.kubernetes.io/x',
    'node.kubernetes.io/anything',
    'notkubernetes.io/x',
    'topology.kubernetes.io/zone',
  ];
  t.same(forbiddenNodeLabels([...allowed, ...forbidden].reverse()), forbidden);
});
