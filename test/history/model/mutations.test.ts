// Right histories of a simulated store pass all checks; with one mutation, a check that must find it does.
import t from 'tap';
import { fc, fuzz } from '../../lib/fuzz';
import { Random } from '../random';
import { checkHistory } from './check';
import { mutations } from './mutations';
import { simulate } from './simulated-store';

const seeds = fc.integer({ min: 1, max: 1_000_000_000 });
const words = (history: Parameters<typeof checkHistory>[0]) =>
  checkHistory(history).map(({ check, message }) => `${check}: ${message}`);

t.test('right histories pass', async (t) => {
  await fuzz(t, 'histories of a simulated store', seeds, (seed) => {
    const problems = words(simulate(seed));
    if (problems.length > 0) throw new Error(problems.join('\n'));
  });
});

t.test('mutations are found', async (t) => {
  for (const [name, { foundBy, apply }] of Object.entries(mutations)) {
    let applied = 0;
    await fuzz(
      t,
      name,
      seeds,
      (seed) => {
        const broken = apply(simulate(seed), new Random(seed));
        if (!broken) return;
        applied++;
        const problems = checkHistory(broken);
        if (!problems.some(({ check }) => foundBy.includes(check)))
          throw new Error(`not found: ${words(broken).join('\n')}`);
      },
      { runs: 60 },
    );
    t.ok(applied >= 20, `${name}: ${applied} histories had a place for it`);
  }
});

t.test('a history of many clients over a long time', async (t) => {
  const size = { clients: 20, servers: 3, names: 4 };
  const history = simulate(7, { ...size, steps: 40_000 });
  t.ok(history.operations.length > 8_000, `${history.operations.length} operations`);
  t.strictSame(words(history), []);
});
