// Selectors as authorization webhooks get them.
import t from 'tap';
import { fieldRequirements, labelRequirements } from './selectors';

t.test('fields: In and NotIn with one value', async (t) => {
  t.same(fieldRequirements('spec.nodeName=n1,status.phase!=Failed'), [
    { key: 'spec.nodeName', operator: 'In', values: ['n1'] },
    { key: 'status.phase', operator: 'NotIn', values: ['Failed'] },
  ]);
  const one = { key: 'a', operator: 'In', values: ['b'] };
  const more = [
    { ...one, values: ['b', 'c'] },
    { key: 'a', operator: 'Near', values: ['b'] },
  ];
  t.same(fieldRequirements([one, ...more]), [one], 'what upstream cannot express is left out');
  t.same(fieldRequirements('nonsense'), [], 'a selector that cannot be read');
});

t.test('labels: sorted, without comparisons', async (t) => {
  t.same(labelRequirements('!d,b in (z,y),a=1,c,e>3,f!=2'), [
    { key: 'a', operator: 'In', values: ['1'] },
    { key: 'b', operator: 'In', values: ['y', 'z'] },
    { key: 'c', operator: 'Exists' },
    { key: 'd', operator: 'DoesNotExist' },
    { key: 'f', operator: 'NotIn', values: ['2'] },
  ]);
  t.same(labelRequirements([{ key: 'a', operator: 'Near', values: ['b'] }]), []);
  t.same(labelRequirements('a in ('), []);
});
