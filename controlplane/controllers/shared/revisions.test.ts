import t from 'tap';
import type { ControllerRevision } from '../../api/controller-revision';
import { planRevisions, type RevisionInput, statefulSetRevisions } from './revisions';

const template = (image: string) => ({
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image }] },
});
const ownerReference = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'ds', uid: 'ds' };
const plan = (image: string, owned: ControllerRevision[], over: Partial<RevisionInput> = {}) =>
  planRevisions({
    owner: { metadata: { name: 'ds', namespace: 'a' } },
    ownerReference,
    template: template(image),
    owned,
    inUse: new Set(),
    limit: 10,
    ...over,
  });
/** The revisions after `images` were rolled out one after another. */
function history(...images: string[]): ControllerRevision[] {
  const list: ControllerRevision[] = [];
  for (const image of images) {
    const { create } = plan(image, list);
    if (create) list.push(create);
  }
  return list;
}

t.test('a new template is a new revision', async (t) => {
  const [first, second] = history('i:1', 'i:2');
  t.match(first, {
    revision: 1,
    data: { spec: { template: { $patch: 'replace', spec: { containers: [{ image: 'i:1' }] } } } },
  });
  t.equal(second?.revision, 2);
  t.not(first?.metadata?.name, second?.metadata?.name);
  const same = plan('i:2', history('i:1', 'i:2'));
  t.same([same.create, same.update, same.remove], [undefined, undefined, []]);
});

t.test('the keys of a revision are in order, as in the patch that clients compare it with', async (t) => {
  const [first] = history('i:1');
  const { metadata, spec } = template('i:1');
  t.equal(
    JSON.stringify(first?.data),
    JSON.stringify({
      spec: { template: { $patch: 'replace', metadata, spec: { containers: [{ image: 'i:1', name: 'c' }] } } },
    }),
  );
  t.same(Object.keys(spec), ['containers'], 'the template has no other field');
});

t.test('an earlier template becomes the newest revision again', async (t) => {
  const { create, update, carried } = plan('i:1', history('i:1', 'i:2'));
  t.equal(create, undefined);
  t.equal(update?.revision, 3);
  t.equal(update?.metadata?.labels?.['controller-revision-hash'], carried);
});

t.test('revisions beyond the limit are deleted, oldest first, except those that pods still use', async (t) => {
  const all = history('i:1', 'i:2', 'i:3', 'i:4');
  const removed = (inUse: string[], limit: number) =>
    plan('i:4', all, { inUse: new Set(inUse), limit }).remove.map(({ revision }) => revision);
  t.same(removed([], 2), [1]);
  t.same(removed([], 0), [1, 2, 3]);
  t.same(removed([], -1), [], 'a negative limit keeps all');
  t.same(removed([all[0]!.metadata!.labels!['controller-revision-hash']!], 1), [2]);
});

t.test('pods of StatefulSets carry the name of their revision', async (t) => {
  const { create, carried } = plan('i:1', [], { form: statefulSetRevisions });
  t.equal(create?.metadata?.name, carried);
  t.match(create?.metadata?.labels, { app: 'x', 'controller.kubernetes.io/hash': /^\w+$/ });
  t.equal(carried, `ds-${create?.metadata?.labels?.['controller.kubernetes.io/hash']}`);
  const all = [create!, { ...create!, metadata: { name: 'ds-old' }, revision: 0, data: {} }];
  const over = { form: statefulSetRevisions, limit: 0 };
  t.equal(plan('i:1', all, over).remove.length, 1);
  t.same(plan('i:1', all, { ...over, inUse: new Set(['ds-old']) }).remove, []);
});

t.test('a collision changes the hash', async (t) => {
  const owner = { metadata: { name: 'ds', namespace: 'a' }, status: { collisionCount: 1 } };
  t.not(plan('i:1', [], { owner }).carried, plan('i:1', []).carried);
});
