import t from 'tap';
import { verdictOf } from './outcomes';

t.test('errors of the kernel as outcomes', async (t) => {
  t.strictSame(verdictOf('ECONNREFUSED'), { outcome: 'refused', error: 'ECONNREFUSED' });
  t.strictSame(verdictOf('EPIPE'), { outcome: 'reset', error: 'EPIPE' });
  t.match(verdictOf('EINVAL'), { outcome: 'unreachable', error: /^EINVAL: a blackhole route/ });
  t.match(verdictOf('EADDRINUSE'), { outcome: 'failed', error: /^EADDRINUSE: another socket/ });
  t.strictSame(verdictOf('EIO'), { outcome: 'failed', error: 'EIO' });
  t.strictSame(verdictOf('toString'), { outcome: 'failed', error: 'toString' });
});
