import fc from 'fast-check';
import t from 'tap';
import { fuzz } from '../../../test/lib/fuzz';
import { SortedKeys } from './sorted-keys';

const round = fc.record({
  /** Each adds a key that is absent, or deletes it: few changes between two reads, or many. */
  changes: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 80 }),
  probe: fc.integer({ min: 0, max: 60 }),
});

t.test('keys are in order after any changes', (t) =>
  fuzz(t, 'changes and reads', fc.array(round, { maxLength: 6 }), (rounds) => {
    const keys = new SortedKeys();
    const wanted = new Set<string>();
    for (const { changes, probe } of rounds) {
      for (const change of changes) {
        const key = `k${change}`;
        if (wanted.delete(key)) keys.delete(key);
        else {
          wanted.add(key);
          keys.add(key);
        }
      }
      const sorted = [...wanted].sort();
      const smaller = sorted.filter((key) => key < `k${probe}`).length;
      if (keys.indexOf(`k${probe}`) !== smaller) throw new Error(`indexOf is not ${smaller}`);
      if (keys.all().join() !== sorted.join()) throw new Error(`${keys.all().join()} is not ${sorted.join()}`);
    }
  }),
);
