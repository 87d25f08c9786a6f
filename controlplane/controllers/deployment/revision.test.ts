import t from 'tap';
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';
import { newSetAnnotations, nextRevision, revisionAnnotation, revisionOf } from './revision';

const history = 'deployment.kubernetes.io/revision-history';
const set = (revision?: string): ReplicaSet =>
  ({ metadata: { annotations: revision === undefined ? {} : { [revisionAnnotation]: revision } } }) as ReplicaSet;
const deployment = { metadata: { annotations: { note: 'x' } } } as Deployment;

t.test('nextRevision', async (t) => {
  const cases: [(string | undefined)[], bigint][] = [
    [[], 1n],
    [[undefined], 1n],
    [['3', '11', '2'], 12n],
    [['3546343826724305832'], 3546343826724305833n],
    [['3546343826724305832', '3546343826724305833'], 3546343826724305834n],
    [['9007199254740993'], 9007199254740994n],
    [['9223372036854775807'], 9223372036854775807n],
    [['9223372036854775808'], 1n],
    [['-5'], 1n],
    [['abc', ' 7', '0x10', '1e3'], 1n],
  ];
  for (const [revisions, want] of cases) t.equal(nextRevision(revisions.map(set)), want, revisions.join());
  t.equal(revisionOf(set('9007199254740993')), 9007199254740993n);
});

t.test('the revision of a set only increases', async (t) => {
  const next = (before: Record<string, string> | undefined, revision: bigint) => {
    const { note, ...annotations } = newSetAnnotations(deployment, before, revision);
    t.equal(note, 'x');
    return annotations;
  };
  t.same(next(undefined, 3546343826724305833n), { [revisionAnnotation]: '3546343826724305833' });
  t.same(next({ [revisionAnnotation]: '9007199254740992' }, 9007199254740993n), {
    [revisionAnnotation]: '9007199254740993',
    [history]: '9007199254740992',
  });
  t.same(next({ [revisionAnnotation]: '9007199254740993' }, 9007199254740992n), {
    [revisionAnnotation]: '9007199254740993',
  });
  t.same(next({ [revisionAnnotation]: 'own' }, 5n), { [revisionAnnotation]: 'own' }, 'text that is not a number stays');
  t.same(next({ [revisionAnnotation]: '' }, 5n), { [revisionAnnotation]: '5' });
});

t.test('the history has a maximum length, and its oldest entries are removed', async (t) => {
  let annotations: Record<string, string> = { [revisionAnnotation]: '1' };
  for (let revision = 2n; revision < 1500n; revision++) {
    annotations = { ...newSetAnnotations(deployment, annotations, revision) };
  }
  const list = annotations[history] ?? '';
  t.ok(list.length <= 2000 && list.length > 1990, `${list.length} characters`);
  t.ok(list.endsWith(',1497,1498'));
});
