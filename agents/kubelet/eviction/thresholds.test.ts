import t from 'tap';
import { defaultNodePolicy } from '../node/policy';
import { amountOf, parseStatements, parseThresholds, type ThresholdTexts, withAllocatable } from './thresholds';

const none: ThresholdTexts = { hard: {}, soft: {}, softGracePeriod: {}, minimumReclaim: {} };

t.test('the default thresholds are upstream’s', async (t) => {
  t.same(defaultNodePolicy.thresholds, [
    { signal: 'memory.available', value: { amount: 104857600, text: '100Mi' }, graceMs: 0 },
    { signal: 'nodefs.available', value: { share: 0.1 }, graceMs: 0 },
    { signal: 'nodefs.inodesFree', value: { share: 0.05 }, graceMs: 0 },
    { signal: 'imagefs.available', value: { share: 0.15 }, graceMs: 0 },
    { signal: 'imagefs.inodesFree', value: { share: 0.05 }, graceMs: 0 },
  ]);
  t.same(withAllocatable(defaultNodePolicy.thresholds).at(-1), {
    signal: 'allocatableMemory.available',
    value: { amount: 104857600, text: '100Mi' },
    graceMs: 0,
  });
});

t.test('soft thresholds, minimum reclaim, thresholds that are switched off', async (t) => {
  const parsed = parseThresholds({
    hard: parseStatements('<')('memory.available<0%, nodefs.available<100%,pid.available<1k'),
    soft: parseStatements('<')('memory.available<1.5Gi'),
    softGracePeriod: parseStatements('=')('memory.available=1m30s'),
    minimumReclaim: parseStatements('=')('memory.available=500Mi,nodefs.available=5%'),
  });
  t.same(parsed, [
    { signal: 'pid.available', value: { amount: 1000, text: '1k' }, graceMs: 0 },
    {
      signal: 'memory.available',
      value: { amount: 1610612736, text: '1536Mi' },
      graceMs: 90_000,
      minReclaim: { amount: 524288000, text: '500Mi' },
    },
  ]);
  t.same(withAllocatable(parsed), parsed, 'only a hard threshold of memory counts for all pods together');
});

t.test('refused texts', async (t) => {
  const cases: ReadonlyArray<{ texts: Partial<ThresholdTexts>; message: string }> = [
    { texts: { hard: { 'disk.available': '1Gi' } }, message: 'unsupported eviction signal disk.available' },
    {
      texts: { hard: { 'memory.available': '-10%' } },
      message: 'eviction percentage threshold memory.available must be >= 0%: -10%',
    },
    {
      texts: { hard: { 'memory.available': '120%' } },
      message: 'eviction percentage threshold memory.available must be <= 100%: 120%',
    },
    {
      texts: { hard: { 'memory.available': '0' } },
      message: 'eviction threshold memory.available must be positive: 0',
    },
    {
      texts: { soft: { 'memory.available': '1Gi' } },
      message: 'grace period must be specified for the soft eviction threshold memory.available',
    },
    {
      texts: { minimumReclaim: { 'nodefs.available': '-1' } },
      message: 'negative eviction minimum reclaim specified for nodefs.available',
    },
    {
      texts: { minimumReclaim: { 'nodefs.available': '0%' } },
      message: 'eviction percentage minimum reclaim nodefs.available must be positive: 0%',
    },
  ];
  for (const { texts, message } of cases) t.throws(() => parseThresholds({ ...none, ...texts }), { message });
  t.throws(() => parseStatements('<')('memory.available=1Gi'), { code: 'BadRequest' });
});

t.test('a share is upstream’s 32-bit number', async (t) => {
  t.equal(amountOf({ share: 0.1 }, 1_000_000_000), 100_000_001);
  t.equal(amountOf({ share: 0.15 }, 1_000_000_000), 150_000_005);
  t.equal(amountOf({ amount: 7, text: '7' }, 1_000_000_000), 7);
});
