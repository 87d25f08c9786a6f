import t from 'tap';
import { type DaemonSet, daemonSets, templateGeneration } from './daemon-set';

const name = 'deprecated.daemonset.template.generation';
const set = (image: string, annotations?: Record<string, string>): DaemonSet =>
  ({
    metadata: { name: 'd', ...(annotations ? { annotations } : {}) },
    spec: { template: { spec: { containers: [{ name: 'c', image }] } } },
  }) as DaemonSet;
const prepare = (object: DaemonSet, old?: DaemonSet, subresource = '') => {
  daemonSets.options.prepare?.(object, { subresource, ...(old ? { old } : {}) });
  return object.metadata?.annotations?.[name];
};

t.test('the generation of the template', async (t) => {
  const cases: { name: string; object: DaemonSet; old?: DaemonSet; want: string }[] = [
    { name: 'new', object: set('a'), want: '1' },
    { name: 'new, with a number', object: set('a', { [name]: '7' }), want: '7' },
    { name: 'new, with a wrong number', object: set('a', { [name]: '-3' }), want: '1' },
    { name: 'new, with no number', object: set('a', { [name]: 'x' }), want: '1' },
    { name: 'the same template', object: set('a', { [name]: '9' }), old: set('a', { [name]: '3' }), want: '3' },
    { name: 'the writer leaves the annotation out', object: set('a'), old: set('a', { [name]: '3' }), want: '3' },
    { name: 'another template', object: set('b'), old: set('a', { [name]: '3' }), want: '4' },
    { name: 'beyond 2^53', object: set('b'), old: set('a', { [name]: '9007199254740992' }), want: '9007199254740993' },
    { name: 'the stored object has no annotation', object: set('b'), old: set('a'), want: '2' },
  ];
  for (const { name, object, old, want } of cases) t.equal(prepare(object, old), want, name);
  t.equal(
    prepare(set('a', { [name]: '9' }), set('a', { [name]: '3' }), 'status'),
    '9',
    'a write of the status does not change it',
  );
  t.equal(templateGeneration(set('a', { [name]: '12' })), 12n);
});
