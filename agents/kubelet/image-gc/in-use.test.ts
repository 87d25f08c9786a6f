import t from 'tap';
import { container, exited, pod } from '../spec/pod.fixture';
import { imagesInUse } from './in-use';

t.test('images of the sandbox, of containers in any state, and those that a pod still waits for', async (t) => {
  const waiting = pod({
    initContainers: [{ ...container('init'), image: 'init:1' }],
    containers: [{ ...container('app'), image: 'docker.io/library/web' }],
    volumes: [{ name: 'art', image: { reference: 'art:2' } }],
  });
  const over = pod({ containers: [{ ...container('app'), image: 'over:1' }] }, { status: { phase: 'Succeeded' } });
  const ended = { ...exited(container('old'), 0), image: 'old:1', imageId: 'sha256:old' };
  const used = new Set(imagesInUse([waiting, over], [ended], 'pause:3'));
  for (const name of ['pause:3', 'old:1', 'sha256:old', 'init:1', 'web:latest', 'art:2']) t.ok(used.has(name), name);
  t.notOk(used.has('over:1'), 'a pod that has ended waits for nothing');
});
