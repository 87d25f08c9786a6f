import t from 'tap';
import { now } from '../spec/pod.fixture';
import { CrashLoop, formatDelay } from './crash-loop';

t.test('crash loop back-off', async (t) => {
  const loop = new CrashLoop();
  const waits: number[] = [];
  let time = now;
  for (let i = 0; i < 8; i++) {
    const next = loop.notBefore('k', time);
    waits.push(next === 0 ? 0 : next - time);
    time = Math.max(time, next);
    loop.restarted('k', time);
  }
  t.same(waits, [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  t.equal(loop.notBefore('k', time + 600_001), 0, 'forgotten after ten minutes');
  t.same([10_000, 160_000, 300_000].map(formatDelay), ['10s', '2m40s', '5m0s']);
});
