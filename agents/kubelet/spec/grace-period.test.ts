import t from 'tap';
import { graceOf, specGraceOf } from './grace-period';

t.test('the time that containers get to end', async (t) => {
  const spec = (terminationGracePeriodSeconds?: number) =>
    ({ containers: [], terminationGracePeriodSeconds }) as Parameters<typeof specGraceOf>[0];
  t.equal(specGraceOf(undefined), 30);
  t.equal(specGraceOf(spec()), 30);
  t.equal(specGraceOf(spec(0)), 0);
  t.equal(specGraceOf(spec(5)), 5);
  t.equal(specGraceOf(spec(-1)), 1, 'a negative one counts as 1');
  t.equal(graceOf({ metadata: { deletionGracePeriodSeconds: 0 }, spec: spec(5)! }), 0, 'a deletion says it');
  t.equal(graceOf({ spec: spec(-7)! }), 1);
});
