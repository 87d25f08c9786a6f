import t from 'tap';
import { pod } from '../spec/pod.fixture';
import { parseShutdownPeriods, shutdownGroups, shutdownPeriods } from './shutdown-plan';

const none = { periodMs: 0, criticalMs: 0, byPriority: [] };

t.test('settings become times for each priority, the lowest first', async (t) => {
  t.same(shutdownPeriods(none), []);
  t.same(shutdownPeriods({ ...none, periodMs: 30_000, criticalMs: 10_000 }), [
    { priority: 0, seconds: 20 },
    { priority: 2_000_000_000, seconds: 10 },
  ]);
  const byPriority = parseShutdownPeriods('1000=60,0=120,-5=1');
  t.same(shutdownPeriods({ ...none, byPriority }), [
    { priority: -5, seconds: 1 },
    { priority: 0, seconds: 120 },
    { priority: 1000, seconds: 60 },
  ]);
  t.same(parseShutdownPeriods(''), []);
});

t.test('settings that do not fit are refused', async (t) => {
  const cases = [
    [
      { ...none, periodMs: 1000, criticalMs: 2000 },
      'invalid configuration: shutdownGracePeriodCriticalPods 2s must be <= shutdownGracePeriod 1s',
    ],
    [
      { ...none, periodMs: 5 },
      'invalid configuration: shutdownGracePeriod 5ms must be either zero or otherwise >= 1 sec',
    ],
    [
      { periodMs: 1000, criticalMs: 0, byPriority: [{ priority: 0, seconds: 1 }] },
      'invalid configuration: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time',
    ],
  ] as const;
  for (const [settings, message] of cases) t.throws(() => shutdownPeriods(settings), { code: 'BadRequest', message });
  for (const text of ['1', 'a=1', '1=b', '1=2,'])
    t.throws(() => parseShutdownPeriods(text), { code: 'BadRequest' }, text);
});

t.test('a pod belongs to the highest period that its priority reaches, or to the lowest one', async (t) => {
  const periods = [
    { priority: 0, seconds: 9 },
    { priority: 1000, seconds: 5 },
    { priority: 9000, seconds: 3 },
    { priority: 2_000_000_000, seconds: 1 },
  ];
  const named = (name: string, priority?: number) =>
    pod(priority === undefined ? {} : { priority }, { metadata: { name, uid: name } });
  const pods = [
    named('critical', 2_000_001_000),
    named('none'),
    named('negative', -7),
    named('edge', 1000),
    named('between', 8999),
    named('zero', 0),
  ];
  t.same(
    shutdownGroups(periods, pods).map((group) => [group.seconds, group.pods.map(({ metadata }) => metadata?.name)]),
    [
      [9, ['none', 'negative', 'zero']],
      [5, ['edge', 'between']],
      [1, ['critical']],
    ],
    'a group without pods takes no time',
  );
});
