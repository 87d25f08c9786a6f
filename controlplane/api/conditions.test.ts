import t from 'tap';
import { type Condition, conditionAfter, isReady, withCondition, withoutCondition } from './conditions';

const before = '2026-01-01T00:00:00Z';
const now = Date.parse('2026-01-02T00:00:00Z');
const ready = (status: string, rest: Partial<Condition> = {}): Condition => ({
  type: 'Ready',
  status,
  lastTransitionTime: before,
  ...rest,
});

t.test('an object is ready when its Ready condition is True', async (t) => {
  const cases: { name: string; object: Parameters<typeof isReady>[0]; want: boolean }[] = [
    { name: 'no status', object: {}, want: false },
    { name: 'no condition', object: { status: { conditions: [] } }, want: false },
    { name: 'True', object: { status: { conditions: [ready('True')] } }, want: true },
    { name: 'False', object: { status: { conditions: [ready('False')] } }, want: false },
    { name: 'Unknown: a silent node', object: { status: { conditions: [ready('Unknown')] } }, want: false },
    {
      name: 'another condition that is True',
      object: { status: { conditions: [{ type: 'Initialized', status: 'True' }] } },
      want: false,
    },
  ];
  for (const { name, object, want } of cases) t.equal(isReady(object), want, name);
});

t.test('lastTransitionTime changes only when the status changes', async (t) => {
  const same = conditionAfter(ready('False'), { type: 'Ready', status: 'False', reason: 'New' }, now);
  t.same(same, { type: 'Ready', status: 'False', reason: 'New', lastTransitionTime: before });
  const other = conditionAfter(ready('False'), { type: 'Ready', status: 'True' }, now);
  t.same(other, { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-02T00:00:00Z' });
  t.same(conditionAfter(undefined, { type: 'Ready', status: 'True' }, now), other, 'the first one');
});

t.test('the new condition replaces the old one completely, at the same index', async (t) => {
  const list = [ready('False', { reason: 'Unschedulable', message: 'no node' }), { type: 'Other', status: 'True' }];
  const after = withCondition(list, { type: 'Ready', status: 'True' }, now);
  t.same(after, [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-02T00:00:00Z' }, list[1]]);
  t.equal(
    withCondition(after, { type: 'Ready', status: 'True' }, now + 5000),
    after,
    'without a change the list is the same object',
  );
});

t.test('without a condition', async (t) => {
  const list = [ready('True'), { type: 'Other', status: 'True' }];
  t.same(withoutCondition(list, 'Ready'), [list[1]]);
  t.equal(withoutCondition(list, 'Absent'), list, 'the same list');
  t.same(withoutCondition(undefined, 'Ready'), []);
});
