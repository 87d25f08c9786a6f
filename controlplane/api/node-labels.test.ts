import t from 'tap';
import { forbiddenNodeLabels, parseNodeLabels } from './node-labels';

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

t.test('labels of a node as an option', async (t) => {
  t.same(parseNodeLabels(''), {});
  t.same(parseNodeLabels('a=b,topology.kubernetes.io/zone=z,empty='), {
    a: 'b',
    'topology.kubernetes.io/zone': 'z',
    empty: '',
  });
  t.throws(() => parseNodeLabels('a'), { code: 'BadRequest', message: /expected name=value, got "a"/ });
  for (const label of ['node-role.kubernetes.io/control-plane=', 'node-restriction.kubernetes.io/tenant=a']) {
    t.throws(() => parseNodeLabels(`a=b,${label}`), { code: 'BadRequest', message: /may not give itself the label/ });
  }
});
