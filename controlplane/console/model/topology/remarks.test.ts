import t from 'tap';
import { isGap, remarksOf } from './remarks';
import { status } from './topology.fixture';

t.test('what the numbers of a node do not say', async (t) => {
  const keys = (now: ReturnType<typeof status>, before = status(8, {})) =>
    remarksOf([{ node: 'n1', before: { connections: before }, now }]).map(({ key }) => key);
  t.strictSame(keys(status(10, {})), []);
  t.strictSame(keys({ ...status(10, {}), readAt: status(4, {}).readAt }), ['trafficOld']);
  t.strictSame(keys(status(10, { omittedEdges: 2_000 })), ['trafficOmitted']);
  t.strictSame(keys(status(10, { connections: { count: 262_144, max: 262_144 } })), ['trackingFull']);
  t.strictSame(keys(status(10, { problems: ['a rule cannot be read'] })), ['nodeSays']);
  t.strictSame(
    remarksOf([{ node: 'n1', before: {}, now: status(10, {}) }]).map(({ key }) => key),
    ['trafficFirst'],
  );
});

t.test('a moment without numbers is a gap', async (t) => {
  t.equal(isGap({ key: 'nodeSilent' }), true);
  t.equal(isGap({ key: 'trafficOld' }), false);
});
