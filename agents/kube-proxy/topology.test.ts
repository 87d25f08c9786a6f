// Which endpoints their hints reserve for other nodes.
import t from 'tap';
import { endpoint } from '../../test/lib/service-fixture';
import { type Hints, markElsewhere } from './topology';

const zone = (...names: string[]): Hints => ({ forZones: names.map((name) => ({ name })) });
const node = (...names: string[]): Hints => ({ forNodes: names.map((name) => ({ name })) });
const both = (name: string, inZone: string): Hints => ({ ...zone(inZone), ...node(name) });
const here = { nodeName: 'n1', zone: 'z1' };

const cases: readonly {
  readonly name: string;
  readonly hints: readonly Hints[];
  readonly unready?: readonly number[];
  readonly at?: { readonly nodeName: string; readonly zone?: string };
  /** The endpoints that this node uses. */
  readonly near: readonly number[];
}[] = [
  { name: "no hints: everybody's", hints: [undefined, undefined], near: [0, 1] },
  { name: 'the own zone', hints: [zone('z1'), zone('z2')], near: [0] },
  { name: 'an endpoint may be meant for several zones', hints: [zone('z1', 'z2'), zone('z2')], near: [0] },
  { name: 'one without a hint: none counts', hints: [zone('z1'), undefined], near: [0, 1] },
  { name: 'none for this zone: all', hints: [zone('z2'), zone('z3')], near: [0, 1] },
  { name: 'a node without a zone: all', hints: [zone('z1'), zone('z2')], at: { nodeName: 'n1' }, near: [0, 1] },
  { name: 'the own node', hints: [both('n1', 'z1'), both('n2', 'z1')], near: [0] },
  { name: 'none on this node: the zone', hints: [both('n2', 'z1'), both('n3', 'z2')], near: [0] },
  { name: 'neither node nor zone: all', hints: [both('n2', 'z2'), both('n3', 'z3')], near: [0, 1] },
  { name: 'node hints alone', hints: [node('n1'), node('n2')], at: { nodeName: 'n2' }, near: [1] },
  { name: 'what is not ready has no say', hints: [zone('z1'), undefined, zone('z2')], unready: [1], near: [0, 1] },
  { name: 'the near one is not ready: all', hints: [zone('z1'), zone('z2')], unready: [0], near: [0, 1] },
  { name: 'none is ready: all', hints: [zone('z2')], unready: [0], near: [0] },
];

for (const { name, hints, unready = [], at = here, near } of cases) {
  t.test(name, async (t) => {
    const endpoints = hints.map((hints, i) => ({
      endpoint: endpoint(`10.244.1.${i}`, 80, unready.includes(i) ? { ready: false } : {}),
      hints,
    }));
    const used = markElsewhere(endpoints, at).flatMap(({ elsewhere }, i) => (elsewhere ? [] : [i]));
    t.same(used, near);
  });
}
