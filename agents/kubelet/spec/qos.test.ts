import t from 'tap';
import { container, pod } from './pod.fixture';
import { qosClass } from './qos';

t.test('QoS class', async (t) => {
  const of = (resources: object) => qosClass(pod({ containers: [container('a', { resources })] }));
  t.equal(of({}), 'BestEffort');
  t.equal(of({ requests: { cpu: '1' } }), 'Burstable');
  t.equal(of({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed');
  t.equal(of({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m' } }), 'Guaranteed');
  t.equal(of({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }), 'Burstable');
});
