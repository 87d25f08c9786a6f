import t from 'tap';
import type { Node } from '../../api/node';
import type { PersistentVolume } from '../../api/persistent-volume';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { Pod } from '../../api/pod';
import type { VolumeAttachment } from '../../api/volume-attachment';
import { attachedVolumeName, attachmentName, parseAttachedVolumeName } from '../../api/volumes/attachment-names';
import { AttachmentNeeds } from './needs';
import { type AttachmentInput, attachmentOf, attachmentsOf, hasEnded, type Lookup, planAttachment } from './plan';
import { identify, planReported } from './reported';

const volume = (accessModes: string[] = ['ReadWriteOnce'], name = 'pv'): PersistentVolume => ({
  metadata: { name },
  spec: {
    accessModes,
    csi: { driver: 'd', volumeHandle: 'h' },
    claimRef: { namespace: 'shop', name: 'data', uid: 'c' },
  },
});
const claim: PersistentVolumeClaim = {
  metadata: { name: 'data', namespace: 'shop', uid: 'c' },
  spec: { volumeName: 'pv' },
};
const pod = (name: string, namespace = 'shop', more: Partial<Pod> = {}): Pod => ({
  metadata: { name, namespace, uid: name },
  spec: { containers: [], nodeName: 'n1', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
  ...more,
});
const managed: Node = {
  metadata: { name: 'n1', annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
};
const lookup = (more: Partial<Lookup> = {}): Lookup => ({
  claim: (key) => (key === 'shop/data' || key === 'shop/a-own' ? claim : undefined),
  volume: () => volume(),
  driver: () => undefined,
  node: () => managed,
  ...more,
});

t.test('names are those of upstream', async (t) => {
  // echo -n volhostpath.csi.k8s.ion1 | sha256sum
  const hash = 'e31d3396c268c5420a4aeaec62675ae145ef159f54d17cc6d31f8d4527373f47';
  t.equal(attachmentName('hostpath.csi.k8s.io', 'vol', 'n1'), `csi-${hash}`);
  t.equal(attachedVolumeName('d', 'a^b'), 'kubernetes.io/csi/d^a^b');
  t.strictSame(parseAttachedVolumeName('kubernetes.io/csi/d^a^b'), { driver: 'd', handle: 'a^b' });
  t.equal(parseAttachedVolumeName('kubernetes.io/aws-ebs/x'), undefined);
});

t.test('which attachments a pod needs', async (t) => {
  const names = (of: Pod, more: Partial<Lookup> = {}) =>
    attachmentsOf(of, lookup(more)).map(({ volumeName }) => volumeName);
  t.strictSame(names(pod('a')), ['kubernetes.io/csi/d^h']);
  const generic = pod('a');
  generic.spec!.volumes = [{ name: 'own', ephemeral: {} }];
  t.strictSame(names(generic), ['kubernetes.io/csi/d^h'], 'the claim of a generic ephemeral volume');
  t.strictSame(names(pod('a', 'other')), [], 'a claim of another namespace');
  t.strictSame(names(pod('a'), { node: () => ({ metadata: {} }) }), [], 'a node that this controller does not manage');
  t.strictSame(names(pod('a'), { driver: () => ({ spec: { attachRequired: false } }) }), []);
  t.strictSame(names(pod('a'), { driver: () => ({ spec: { attachRequired: true } }) }), ['kubernetes.io/csi/d^h']);
  const stolen = { ...volume(), spec: { ...volume().spec, claimRef: { uid: 'other' } } };
  t.strictSame(names(pod('a'), { volume: () => stolen }), [], 'a claim that only says that it has the volume');
  t.strictSame(names(pod('a'), { volume: () => ({ spec: { claimRef: { uid: 'c' }, local: { path: '/' } } }) }), []);
  t.strictSame(names(pod('a', 'shop', { status: { phase: 'Failed' } })), []);
});

t.test('a deleted pod has ended when none of its containers runs', async (t) => {
  const state = (running: boolean) => (running ? { running: {} } : { terminated: { exitCode: 0 } });
  const status = (running: boolean) => ({
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: state(running) }],
  });
  const deleted = { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' };
  t.equal(hasEnded({ metadata: deleted, status: status(true) }), false);
  t.equal(hasEnded({ metadata: deleted, status: status(false) }), true);
  t.equal(hasEnded({ metadata: { name: 'a' }, status: status(false) }), false);
});

const minute = 60_000;
const attachment = attachmentOf(volume(), 'n1')!;
const existing = (status: Partial<NonNullable<VolumeAttachment['status']>>, deleted = false): VolumeAttachment => ({
  metadata: { name: attachment.name, ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
  spec: { attacher: 'd', nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
  status: { attached: false, ...status },
});
const node = (ready: boolean, inUse: boolean, taint?: string): Node => ({
  spec: taint ? { taints: [{ key: taint, effect: 'NoExecute' }] } : {},
  status: {
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }],
    volumesInUse: inUse ? ['kubernetes.io/csi/d^h'] : [],
  },
});
const plan = (more: Partial<AttachmentInput>) =>
  planAttachment({
    pods: [],
    attachment,
    existing: undefined,
    elsewhere: [],
    node: node(true, false),
    sinceMs: 0,
    now: minute,
    ...more,
  });

t.test('attaching', async (t) => {
  const pods = [pod('a')];
  t.strictSame(plan({ pods }), { action: 'attach' });
  t.strictSame(plan({ pods, existing: existing({}) }), { action: 'wait', untilMs: 2 * minute });
  t.strictSame(plan({ pods, existing: existing({}), now: 2 * minute }), {
    action: 'report-failed',
    message: 'timed out waiting for external-attacher of d CSI driver to attach volume h',
  });
  t.strictSame(plan({ pods, existing: existing({ attached: true }) }), { action: 'report-attached' });
  t.strictSame(plan({ pods, existing: existing({ attachError: { message: 'no' } }) }), {
    action: 'report-failed',
    message: 'no',
  });
  t.strictSame(plan({ pods, existing: existing({ attached: true }, true) }), {
    action: 'report-failed',
    message: 'volume attachment is being deleted',
  });
});

t.test('a volume of one node is attached to one node', async (t) => {
  const pods = [pod('a')];
  const said = (...others: Pod[]) => {
    const step = plan({ pods, elsewhere: [{ isEnding: false, pods: others }] });
    return step.action === 'refuse' ? step.why.map(([, why]) => why) : step.action;
  };
  t.strictSame(said(), ["Volume is already exclusively attached to one node and can't be attached to another"]);
  t.strictSame(said(pod('b'), pod('c')), ['Volume is already used by pod(s) b, c']);
  t.strictSame(said(pod('b', 'x')), ['Volume is already used by 1 pod(s) in different namespaces']);
  t.strictSame(said(pod('b'), pod('c', 'x')), [
    'Volume is already used by pod(s) b and 1 pod(s) in different namespaces',
  ]);
  t.strictSame(plan({ pods, elsewhere: [{ isEnding: true, pods: [] }] }), { action: 'wait' });
  for (const modes of [['ReadWriteMany'], ['ReadWriteOnce', 'ReadOnlyMany'], []]) {
    const shared = attachmentOf(volume(modes), 'n1')!;
    t.strictSame(plan({ pods, attachment: shared, elsewhere: [{ isEnding: false, pods: [] }] }), { action: 'attach' });
  }
});

t.test('detaching', async (t) => {
  const attached = existing({ attached: true });
  const at = (now: number, of: Node | undefined) => plan({ existing: attached, node: of, now });
  t.strictSame(at(0, node(true, false)), { action: 'detach', isSafe: true });
  t.strictSame(at(0, undefined), { action: 'detach', isSafe: true }, 'the node is gone');
  t.strictSame(at(0, node(true, true)), { action: 'wait', untilMs: 6 * minute + 1 });
  t.strictSame(at(6 * minute + 1, node(true, true)), { action: 'wait' }, 'a node that is ready decides itself');
  t.strictSame(at(6 * minute, node(false, true)), { action: 'wait', untilMs: 6 * minute + 1 });
  t.strictSame(at(6 * minute + 1, node(false, true)), { action: 'detach', isSafe: false });
  const outOfService = node(false, true, 'node.kubernetes.io/out-of-service');
  t.strictSame(at(0, outOfService), { action: 'detach', isSafe: false });
  t.strictSame(plan({ existing: existing({ attached: true }, true) }), { action: 'wait' });
  t.strictSame(plan({}), { action: 'wait' });
});

t.test('which volume an attachment stands for', async (t) => {
  const of = (name: string): VolumeAttachment => ({
    metadata: { name },
    spec: { attacher: 'd', nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
  });
  t.strictSame(identify(of(attachment.name), volume(), undefined), attachment);
  t.equal(identify(of('mine'), volume(), undefined), undefined, 'it has another name');
  t.match(identify(of(attachment.name), undefined, node(true, true)), { volumeName: 'kubernetes.io/csi/d^h' });
  t.match(identify(of(attachment.name), undefined, node(true, false)), { volumeName: '', name: attachment.name });
  t.equal(identify(of('mine'), undefined, undefined), undefined);
  const shows = (names: string[], now: (typeof attachment)[]) =>
    planReported({ status: { volumesAttached: names.map((name) => ({ name, devicePath: '' })) } }, now);
  t.strictSame(shows([], [attachment, attachment]), [{ name: 'kubernetes.io/csi/d^h', devicePath: '' }]);
  t.equal(shows(['kubernetes.io/csi/d^h'], [attachment]), undefined);
  t.strictSame(shows(['kubernetes.io/csi/d^h', 'example.com/x'], []), [{ name: 'example.com/x', devicePath: '' }]);
});

t.test('needs follow pods', async (t) => {
  const needs = new AttachmentNeeds(lookup());
  t.strictSame(needs.update('shop/a', pod('a')), [attachment.name]);
  t.strictSame(needs.update('shop/b', pod('b')), [attachment.name]);
  t.strictSame(needs.podsOf(attachment.name), ['shop/a', 'shop/b']);
  t.strictSame(needs.ofVolume(attachment.volumeName), [attachment.name]);
  t.strictSame(needs.podsWithClaim('shop/data'), ['shop/a', 'shop/b']);
  t.strictSame(needs.podsOn('n1'), ['shop/a', 'shop/b']);
  t.strictSame(needs.update('shop/a', undefined), [attachment.name]);
  t.ok(needs.get(attachment.name));
  t.strictSame(needs.update('shop/b', pod('b', 'shop', { status: { phase: 'Succeeded' } })), [attachment.name]);
  t.equal(needs.get(attachment.name), undefined);
  t.strictSame(needs.allPods(), ['shop/b'], 'a change of its claim is looked at');
  needs.update('shop/b', undefined);
  t.strictSame([needs.allPods(), needs.podsOn('n1'), needs.ofVolume(attachment.volumeName)], [[], [], []]);
});
