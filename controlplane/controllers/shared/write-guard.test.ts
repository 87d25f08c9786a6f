import t from 'tap';
import type { KubeObject } from '../../api/types';
import { WriteGuard } from './write-guard';

const object = (uid: string, resourceVersion: string, over: object = {}): KubeObject => ({
  metadata: { name: 'a', namespace: 'n', uid, resourceVersion, ...over },
});

function start() {
  const copy = { revision: 5, objects: new Map<string, KubeObject>() };
  const guard = new WriteGuard<KubeObject>({
    get: (key) => copy.objects.get(key),
    get revision() {
      return copy.revision;
    },
  });
  return { copy, guard };
}

t.test('a key waits until the copy has its newest write', async (t) => {
  const { copy, guard } = start();
  t.equal(guard.isCurrent('k'), true, 'nothing written');
  guard.wrote('k', object('u', '9'));
  guard.wrote('k', object('u', '7'));
  t.equal(guard.isCurrent('k'), false);
  t.equal(guard.isCurrent('other'), true, 'other keys do not wait');
  copy.revision = 8;
  t.equal(guard.isCurrent('k'), false);
  copy.revision = 9;
  t.equal(guard.isCurrent('k'), true);
});

t.test('a key waits until the copy shows its deletion', async (t) => {
  const { copy, guard } = start();
  copy.objects.set('n/a', object('u', '4'));
  guard.deleted('k', 'n/a', 'u');
  t.equal(guard.isCurrent('k'), false);
  copy.objects.set('n/a', object('u', '6', { deletionTimestamp: '2026-01-01T00:00:00Z' }));
  t.equal(guard.isCurrent('k'), true, 'a deletion timestamp is enough');
  guard.deleted('k', 'n/a', 'u');
  copy.objects.set('n/a', object('another', '7'));
  t.equal(guard.isCurrent('k'), true, 'a new object with the same name is another object');
});

t.test('a forgotten key waits for nothing', async (t) => {
  const { guard } = start();
  guard.wrote('k', object('u', '9'));
  guard.forget('k');
  t.equal(guard.isCurrent('k'), true);
});
