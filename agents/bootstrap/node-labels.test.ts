import t from 'tap';
import { parseNodeLabels } from './node-labels';

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
