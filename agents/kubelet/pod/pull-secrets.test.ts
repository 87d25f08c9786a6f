// The first pull of a pod on a node that has not seen its Secret yet.
import t from 'tap';
import { secrets } from '../../../controlplane/api';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

t.test('the pull waits for the imagePullSecrets of the pod', async (t) => {
  const { client, create, ready, runtime } = await setUp(t);
  const auths = { 'far.test': { username: 'u', password: 'p' } };
  await client.create(secrets, {
    metadata: { name: 'pull', namespace: 'shop' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  });
  runtime.registry.set('far.test/app:1', { id: 'sha256:app', tags: [], digests: [], sizeBytes: 7, user: '' });
  const users: (string | undefined)[] = [];
  const pull = runtime.pull.bind(runtime);
  runtime.pull = (reference, auth) => {
    if (reference === 'far.test/app:1') users.push(auth?.username);
    return pull(reference, auth);
  };
  await create('web', {
    imagePullSecrets: [{ name: 'pull' }],
    containers: [{ ...container('app'), image: 'far.test/app:1' }],
  });
  await ready('web');
  t.same(users, ['u']);
});
