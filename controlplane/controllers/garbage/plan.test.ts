import t from 'tap';
import type { KubeObject, OwnerReference } from '../../api/types';
import { type GarbagePlan, type OwnerState, planGarbage, releasedReferences } from './plan';

const reference = (uid: string, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'X',
  name: uid,
  uid,
  blockOwnerDeletion,
});
const object = (over: KubeObject['metadata'] = {}): KubeObject => ({ metadata: { name: 'o', uid: 'o', ...over } });
const owned = (...uids: string[]) => object({ ownerReferences: uids.map((uid) => reference(uid)) });
const deleting = (...finalizers: string[]) => object({ deletionTimestamp: 'now', finalizers });
const dependent = (block = true): KubeObject => ({ metadata: { name: 'd', ownerReferences: [reference('o', block)] } });

t.test('planGarbage', async (t) => {
  const cases: {
    name: string;
    object: KubeObject;
    owners?: OwnerState[];
    dependents?: KubeObject[];
    circular?: string[];
    want: GarbagePlan;
  }[] = [
    { name: 'no owner', object: object(), want: { action: 'keep' } },
    { name: 'its owner exists', object: owned('a'), owners: ['present'], want: { action: 'keep' } },
    {
      name: 'its only owner is deleted',
      object: owned('a'),
      owners: ['absent'],
      want: { action: 'delete', propagation: 'Background' },
    },
    {
      name: 'one of two owners is deleted',
      object: owned('a', 'b'),
      owners: ['absent', 'present'],
      want: { action: 'drop-references', keep: [reference('b')] },
    },
    {
      name: 'both owners are deleted',
      object: owned('a', 'b'),
      owners: ['absent', 'absent'],
      want: { action: 'delete', propagation: 'Background' },
    },
    { name: 'an owner of an unknown kind', object: owned('a'), owners: ['unknown'], want: { action: 'keep' } },
    {
      name: 'the owner waits for the object',
      object: owned('a'),
      owners: ['deleting-foreground'],
      want: { action: 'delete', propagation: 'Background' },
    },
    {
      name: 'the owner waits, and the object has dependents too',
      object: owned('a'),
      owners: ['deleting-foreground'],
      dependents: [dependent()],
      want: { action: 'delete', propagation: 'Foreground' },
    },
    {
      name: 'the object has the finalizer orphan',
      object: object({ ownerReferences: [reference('a')], finalizers: ['orphan'] }),
      owners: ['absent'],
      want: { action: 'delete', propagation: 'Orphan' },
    },
    {
      name: 'the object is being deleted and waits for nothing here',
      object: deleting('example.com/other'),
      want: { action: 'keep' },
    },
    {
      name: 'foreground: waits',
      object: deleting('foregroundDeletion'),
      dependents: [dependent()],
      want: { action: 'wait-for-dependents' },
    },
    {
      name: 'foreground: no dependent blocks',
      object: deleting('foregroundDeletion'),
      dependents: [dependent(false)],
      want: { action: 'remove-finalizer', finalizer: 'foregroundDeletion' },
    },
    {
      name: 'foreground: done',
      object: deleting('foregroundDeletion'),
      want: { action: 'remove-finalizer', finalizer: 'foregroundDeletion' },
    },
    {
      name: 'foreground: in a circle',
      object: {
        metadata: { ...deleting('foregroundDeletion').metadata, ownerReferences: [reference('a'), reference('b')] },
      },
      owners: ['deleting-foreground', 'deleting-foreground'],
      dependents: [dependent()],
      circular: ['b'],
      want: { action: 'unblock', references: [reference('a'), reference('b', false)] },
    },
    { name: 'orphan', object: deleting('orphan'), dependents: [dependent()], want: { action: 'orphan-dependents' } },
    { name: 'orphan: done', object: deleting('orphan'), want: { action: 'remove-finalizer', finalizer: 'orphan' } },
  ];
  for (const { name, object: subject, owners = [], dependents = [], circular = [], want } of cases) {
    t.same(planGarbage({ object: subject, owners, dependents, circular: new Set(circular) }), want, name);
  }
});

t.test('releasedReferences', async (t) => {
  const with_ = (...references: OwnerReference[]) => ({ metadata: { ownerReferences: references } });
  const released = (before: KubeObject, after: KubeObject) => releasedReferences(before, after).map(({ uid }) => uid);
  t.same(released(with_(reference('a')), with_(reference('a'))), []);
  t.same(released(with_(reference('a')), with_()), ['a'], 'removed');
  t.same(released(with_(reference('a')), { metadata: {} }), ['a'], 'all removed');
  t.same(released(with_(reference('a')), with_(reference('a', false))), ['a'], 'no longer blocks');
  t.same(released(with_(reference('a', false)), with_(reference('a'))), [], 'blocks from now on');
});
