import t from 'tap';
import type { Pod } from '../../api/pod';
import { TriggerTimes } from './trigger-times';

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
const said = (second: number) => new Date(at(second)).toISOString();
const service = { metadata: { name: 'web', namespace: 'a', creationTimestamp: at(1) as never } };
const pod = (uid: string, second: number, status = 'True'): Pod => ({
  metadata: { name: uid, uid },
  status: { conditions: [{ type: 'Ready', status, lastTransitionTime: at(second) as never }] },
});

t.test('the earliest change since the last call', async (t) => {
  const times = new TriggerTimes();
  const look = (...pods: Pod[]) => times.observe('a/web', service, pods);
  t.equal(look(), said(1), 'a new Service');
  t.equal(look(), undefined, 'no change');
  t.equal(look(pod('p', 7), pod('q', 5)), said(5), 'two pods: the earlier change counts');
  t.equal(look(pod('p', 7), pod('q', 5)), undefined);
  t.equal(look(pod('p', 9, 'False'), pod('q', 5)), said(9), 'a pod that becomes unready is a change too');
  t.equal(look(pod('q', 5)), undefined, 'a deleted pod has no time');
  t.equal(look(pod('q', 5), { metadata: { uid: 'r' } }), undefined, 'a pod that was never ready has no time');
  times.forget('a/web');
  t.equal(look(pod('q', 5)), said(1), 'the Service is created again');
});
