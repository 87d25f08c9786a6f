import t from 'tap';
import { graceOf } from './grace-period';
import { pod } from './pod.fixture';

t.test('the grace period of a pod: its deletion, else its spec', async (t) => {
  const of = (terminationGracePeriodSeconds?: number, more = {}) =>
    graceOf(pod({ terminationGracePeriodSeconds }, more));
  t.equal(graceOf({}), 30);
  t.equal(of(), 30);
  t.equal(of(0), 0);
  t.equal(of(5), 5);
  t.equal(of(-1), 1, 'a negative one counts as 1');
  t.equal(of(5, { metadata: { deletionGracePeriodSeconds: 0 } }), 0, 'a deletion says it');
});
