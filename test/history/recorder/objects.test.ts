import t from 'tap';
import { Random } from '../random';
import { type ApiObject, changedObject, newObject, patchFor, pathOf, seenOf } from './objects';

const stored = (object: ApiObject, revision = 7): ApiObject => ({
  ...object,
  metadata: { ...object.metadata, uid: 'u', resourceVersion: String(revision) },
});

t.test('pathOf', async (t) => {
  t.equal(pathOf('configmaps/a/x'), '/api/v1/namespaces/a/configmaps/x');
  t.equal(pathOf('configmaps/a/'), '/api/v1/namespaces/a/configmaps');
  t.equal(pathOf('services/'), '/api/v1/services');
});

t.test('what is written is what is seen', async (t) => {
  const random = new Random(1);
  const object = newObject('configmaps/a/x', '3.7', random);
  t.same(seenOf('configmaps/', stored(object)), { key: 'configmaps/a/x', revision: 7, value: '3.7', uid: 'u' });
  const changed = changedObject(object, '3.8', random);
  t.equal(seenOf('configmaps/', stored(changed))?.value, '3.8');
  const { data } = patchFor('configmaps/a/x', '3.9', random) as ApiObject;
  t.match(seenOf('configmaps/', stored({ ...changed, data: { ...data, times: '2' } }))?.value, /^3\.8 with data of/);
});

t.test('the addresses and ports of a Service', async (t) => {
  const spec = {
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ports: [
      { name: 'a', port: 80, protocol: 'UDP', nodePort: 30_001 },
      { name: 'b', port: 81 },
    ],
  };
  const service = stored({ ...newObject('services/b/x', '1.1', new Random(1)), spec });
  t.same(seenOf('services/', service)?.claims, ['clusterip/10.96.0.7', 'clusterip/fd00::7', 'nodeport/UDP/30001']);
  t.same(seenOf('services/', { ...service, spec: { clusterIPs: ['None'] } })?.claims, []);
});

t.test('objects of the server itself are left out', async (t) => {
  t.equal(seenOf('services/', { metadata: { namespace: 'default', name: 'kubernetes' } }), undefined);
});
