import type Docker from 'dockerode';
import t from 'tap';
import { toUsage } from './docker-usage';

// The answer of GET /containers/ID/stats, without the fields that the kubelet does not read.
const v1 = {
  cpu_stats: { cpu_usage: { total_usage: 100_215_355, usage_in_kernelmode: 30_000_000, percpu_usage: [1, 2] } },
  memory_stats: {
    usage: 6_537_216,
    max_usage: 6_651_904,
    stats: { cache: 2_000_000, inactive_file: 0, total_cache: 2_000_000, total_inactive_file: 1_500_000 },
    limit: 67_108_864,
  },
};
const v2 = {
  cpu_stats: { cpu_usage: { total_usage: 84_211_000, usage_in_kernelmode: 21_000_000 } },
  memory_stats: {
    usage: 5_210_112,
    stats: { anon: 3_000_000, file: 1_900_000, inactive_file: 1_200_000, active_file: 700_000 },
    limit: 67_108_864,
  },
};

t.test('usage on either version of cgroups', async (t) => {
  const cases = [
    { name: 'v1', stats: v1, want: [100_215_355, 6_537_216, 5_037_216] },
    { name: 'v2', stats: v2, want: [84_211_000, 5_210_112, 4_010_112] },
    {
      name: 'ended meanwhile',
      stats: { cpu_stats: { cpu_usage: { total_usage: 0 } }, memory_stats: {} },
      want: [0, 0, 0],
    },
    {
      name: 'more idle cache than use, as the two are read one after the other',
      stats: { ...v2, memory_stats: { usage: 1_000, stats: { inactive_file: 2_000 } } },
      want: [84_211_000, 1_000, 0],
    },
  ];
  for (const { name, stats, want } of cases) {
    const usage = toUsage(stats as unknown as Docker.ContainerStats);
    t.same([usage.cpuNanoseconds, usage.memoryBytes, usage.workingSetBytes], want, name);
  }
});
