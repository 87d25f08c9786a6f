import t from 'tap';
import type { KubeObject } from '../../api/types';
import { circularOwners, searchLimit } from './circle';

/** Objects from edges `object: owners`; all wait for their dependents (foreground deletion). */
function graph(edges: Readonly<Record<string, readonly string[]>>) {
  const objects = new Map<string, KubeObject>();
  const of = (uid: string): KubeObject => {
    const object = objects.get(uid) ?? { metadata: { name: uid, uid } };
    objects.set(uid, object);
    return object;
  };
  const visited: string[] = [];
  const owners = (object: KubeObject) => {
    const uid = object.metadata?.uid ?? '';
    visited.push(uid);
    return (edges[uid] ?? []).map(of);
  };
  return { circular: (uid: string) => [...circularOwners(of(uid), owners)].sort(), visited };
}

t.test('circularOwners', async (t) => {
  const cases: { name: string; edges: Record<string, string[]>; of: string; want: string[] }[] = [
    { name: 'no owner', edges: {}, of: 'a', want: [] },
    { name: 'a chain', edges: { a: ['b'], b: ['c'] }, of: 'a', want: [] },
    { name: 'its own owner', edges: { a: ['a'] }, of: 'a', want: ['a'] },
    { name: 'two', edges: { a: ['b'], b: ['a'] }, of: 'a', want: ['b'] },
    { name: 'three', edges: { a: ['b'], b: ['c'], c: ['a'] }, of: 'b', want: ['c'] },
    { name: 'one of two owners is in the circle', edges: { a: ['b', 'x'], b: ['a'] }, of: 'a', want: ['b'] },
    { name: 'below a circle, not in it', edges: { x: ['a'], a: ['b'], b: ['a'] }, of: 'x', want: [] },
    { name: 'two circles', edges: { a: ['b', 'c'], b: ['a'], c: ['a'] }, of: 'a', want: ['b', 'c'] },
    {
      name: 'two paths to one owner are not a circle',
      edges: { a: ['b', 'c'], b: ['d'], c: ['d'] },
      of: 'a',
      want: [],
    },
  ];
  for (const { name, edges, of, want } of cases) t.same(graph(edges).circular(of), want, name);
});

t.test('the search is bounded', async (t) => {
  const edges: Record<string, string[]> = {};
  for (let i = 0; i < 5 * searchLimit; i++) edges[`o${i}`] = [`o${i + 1}`];
  const { circular, visited } = graph(edges);
  t.same(circular('o0'), ['o1'], 'a chain longer than the bound counts as a circle');
  t.ok(visited.length <= searchLimit + 2, `${visited.length} objects visited`);
  t.same(circular(`o${4.5 * searchLimit}`), [], 'a shorter chain does not');
});
