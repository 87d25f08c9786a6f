import t from 'tap';
import { silentLogger } from '../../base/logger';
import { KubeletUsages } from './kubelet-usages';
import { parseUsage } from './usage';

const time = '2026-01-02T03:04:05Z';
const usage = (cores: number, bytes: number) => ({
  cpu: { time, usageNanoCores: cores, usageCoreNanoSeconds: 1 },
  memory: { time, workingSetBytes: bytes },
});

t.test('the summary of a kubelet', async (t) => {
  const text = JSON.stringify({
    node: { nodeName: 'n', ...usage(5, 50) },
    pods: [
      {
        podRef: { uid: 'u', name: 'web', namespace: 'shop' },
        containers: [
          { name: 'a', ...usage(1, 10) },
          { name: 'starts', cpu: { time }, memory: { time } },
          { name: 'negative', ...usage(-1, 10) },
          ...['yesterday', '2026-13-02T03:04:05Z', '+012026-01-02T03:04:05Z', `${time}${' '.repeat(100)}`, 5].map(
            (wrong) => ({
              ...usage(1, 10),
              name: 'no time',
              cpu: { ...usage(1, 10).cpu, time: wrong },
            }),
          ),
          // No such day: Go does not read it, JavaScript reads the next one.
          { ...usage(2, 20), name: 'day', cpu: { ...usage(2, 20).cpu, time: '2026-02-30T03:04:05.5+01:00' } },
          null,
        ],
      },
      { podRef: { uid: 7 }, containers: [] },
      { podRef: { uid: 'v' }, containers: 'none' },
    ],
  });
  const { node, pods } = parseUsage(text);
  t.same(node, { time, cpuNanoCores: 5, memoryBytes: 50 });
  t.same(
    [...pods],
    [
      [
        'u',
        [
          { name: 'a', time, cpuNanoCores: 1, memoryBytes: 10 },
          { name: 'day', time: '2026-03-02T02:04:05Z', cpuNanoCores: 2, memoryBytes: 20 },
        ],
      ],
      ['v', []],
    ],
  );
  t.same(parseUsage('{}'), { pods: new Map() });
  for (const wrong of ['[]', '1', 'null', 'x']) t.throws(() => parseUsage(wrong), { name: 'SyntaxError' }, wrong);
});

t.test('kubelets are asked when a client reads, and rarely', async (t) => {
  let now = 0;
  const asked: string[] = [];
  const usages = new KubeletUsages({
    read: async (node) => {
      asked.push(node);
      if (node === 'down') throw new Error('no connection');
      return JSON.stringify({ node: usage(asked.length, 1) });
    },
    clock: { elapsed: () => now },
    log: silentLogger,
  });
  t.same([...(await usages.of(['a', 'down'])).keys()], ['a']);
  now = 9_000;
  t.equal((await usages.of(['a', 'down'])).get('a')?.node?.cpuNanoCores, 1);
  t.same(asked, ['a', 'down'], 'answers and failures are kept for ten seconds');
  now = 11_000;
  const [one, other] = await Promise.all([usages.of(['a']), usages.of(['a'])]);
  t.same(asked, ['a', 'down', 'a'], 'two readers share an answer');
  t.equal(one.get('a'), other.get('a'));
});

t.test('a bounded number of kubelets is asked at once', async (t) => {
  let [open, most] = [0, 0];
  const usages = new KubeletUsages({
    read: async () => {
      most = Math.max(most, ++open);
      await new Promise(setImmediate);
      open--;
      return '{}';
    },
    clock: { elapsed: () => 0 },
    log: silentLogger,
  });
  const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
  t.equal((await usages.of(names)).size, 300);
  t.equal(most, 64);
});
