import t from 'tap';
import { structureOf } from './boxes';
import { directoryOf, whereOf } from './directory';
import { FormerPods } from './former-pods';
import { clientBox, pod, shop, webBox } from './topology.fixture';

const without = (...names: readonly string[]) =>
  structureOf({ ...shop, pods: shop.pods.filter(({ metadata }) => !names.includes(metadata?.name ?? '')) });
const idsOf = ({ boxes }: ReturnType<typeof without>) => boxes.map(({ id }) => id);

t.test('a pod that is gone stays for some minutes, as an ended one', async (t) => {
  const former = new FormerPods();
  const whole = structureOf(shop);
  t.equal(former.with(whole, 0), whole, 'nothing is gone');
  const later = former.with(without('client'), 1_000);
  t.match(
    later.boxes.find(({ id }) => id === clientBox),
    { isEnded: true, pods: [{ addresses: ['10.244.0.9'], tone: 'none' }] },
  );
  t.notOk(idsOf(former.with(without('client'), 301_000)).includes(clientBox), 'its connections are forgotten');
  former.with(whole, 400_000);
  const back = former.with(whole, 401_000);
  t.equal(back.boxes.find(({ id }) => id === clientBox)?.isEnded, undefined, 'it is back');
});

t.test('revisions of a Deployment do not stay', async (t) => {
  const former = new FormerPods();
  former.with(structureOf(shop), 0);
  t.notOk(idsOf(former.with(without('web-1a-x', 'web-1a-y'), 1_000)).includes(webBox));
});

t.test('an address stays one of its workload, until another pod has it', async (t) => {
  const former = new FormerPods();
  former.with(structureOf(shop), 0);
  const moved = shop.pods.map((pod) =>
    pod.metadata?.name === 'web-1a-x'
      ? {
          ...pod,
          metadata: { ...pod.metadata, name: 'web-1a-z' },
          status: { ...pod.status, podIPs: [{ ip: '10.244.0.55' }] },
        }
      : pod,
  );
  const next = former.with(structureOf({ ...shop, pods: moved }), 1_000);
  t.match(former.places(next).get('10.244.0.5'), { box: webBox, node: 'n1' });
  const box = (address: string, objects = { ...shop, pods: moved }, all = next) =>
    whereOf(directoryOf(objects, all.boxes, false, former.places(all)), address).box;
  t.equal(box('10.244.0.5'), webBox, 'gone, and still of the Deployment');
  const taken = { ...shop, pods: [...moved, pod('other', 'n1', '10.244.0.5')] };
  const withOther = former.with(structureOf(taken), 2_000);
  t.equal(box('10.244.0.5', taken, withOther), 'workload/shop/Pod/other', 'another pod has it now');
});
