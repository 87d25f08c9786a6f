import t from 'tap';
import { uidFolder, unsoundName } from './names';
import { container, pod } from './pod.fixture';

const bad = ['', '.', '..', '../x', 'a/b', 'a_b', 'a\0b', 'a\n', ' a', 'a'.repeat(300)];

t.test('names that could be paths are found', async (t) => {
  t.equal(unsoundName(pod({ volumes: [{ name: 'v', emptyDir: {} }] })), undefined);
  const meta = { name: 'web', namespace: 'shop', uid: '0f3b-9' };
  for (const name of bad) {
    const text = JSON.stringify(name);
    if (name !== 'a_b') t.equal(unsoundName(pod({}, { metadata: { ...meta, uid: name } })), `uid ${text}`);
    t.equal(unsoundName(pod({}, { metadata: { ...meta, name } })), `name ${text}`);
    t.equal(unsoundName(pod({}, { metadata: { ...meta, namespace: name } })), `namespace ${text}`);
    t.equal(unsoundName(pod({ initContainers: [container(name)] })), `container ${text}`);
    t.equal(unsoundName(pod({ containers: [container('a'), container(name)] })), `container ${text}`);
    t.equal(unsoundName(pod({ volumes: [{ name, emptyDir: {} }] })), `volume ${text}`);
  }
  t.equal(unsoundName({}), 'uid ""');
});

t.test('the folder of a UID', async (t) => {
  for (const uid of ['0f3bb1ff-7f5c-4d0f-8f0f-000000000000', 'u1', 'a.b_c']) t.equal(uidFolder(uid), uid);
  for (const uid of bad.filter((name) => name !== 'a_b')) t.throws(() => uidFolder(uid), { code: 'BadRequest' });
});
