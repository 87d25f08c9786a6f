import t from 'tap';
import { parseOptions } from '../../../controlplane/process/options';
import { machineCapacity, withCapacityOf } from './capacity';
import { defaultNodePolicy } from './policy';
import { nodePolicy, policyOptions } from './policy-options';
import { allocatable, overReserved, parseReserved, podCapacity } from './reservations';

const capacity = machineCapacity({
  machine: { cores: 4, memoryBytes: 8 * 2 ** 30, hugePages: { 'hugepages-1Gi': '1Gi', 'hugepages-2Mi': '0' } },
  diskBytes: 100 * 2 ** 30,
  maxPods: 110,
  podsPerCore: 0,
});
const reserved = {
  ...defaultNodePolicy,
  kubeReserved: parseReserved('cpu=200m,memory=512Mi,ephemeral-storage=1Gi,pid=1000'),
  systemReserved: parseReserved('cpu=300m,memory=256Mi'),
};

t.test('allocatable is capacity without reservations, hard thresholds and huge pages', async (t) => {
  t.same(capacity, {
    cpu: '4',
    'ephemeral-storage': '100Gi',
    'hugepages-1Gi': '1Gi',
    'hugepages-2Mi': '0',
    memory: '8Gi',
    pods: '110',
  });
  t.same(allocatable(capacity, reserved), {
    cpu: '3500m',
    // 100Gi - 1Gi - 10% as a 32-bit number
    'ephemeral-storage': '95563022176',
    'hugepages-1Gi': '1Gi',
    'hugepages-2Mi': '0',
    // 8Gi - 512Mi - 256Mi - 100Mi - 1Gi
    memory: '6300Mi',
    pods: '110',
  });
  t.match(podCapacity(capacity, reserved), { cpu: '3500m', memory: '7424Mi' }, 'thresholds do not limit pods');
});

t.test('resources that a client has added stay, those of the machine do not', async (t) => {
  const merged = withCapacityOf({ 'example.com/gpu': '2', memory: '1Ki' }, capacity);
  t.match(merged, { 'example.com/gpu': '2', memory: '8Gi' });
  t.equal(allocatable(merged, reserved)['example.com/gpu'], '2');
});

t.test('pods per core', async (t) => {
  const machine = { cores: 2, memoryBytes: 2 ** 30, hugePages: {} };
  const pods = (maxPods: number, podsPerCore: number) =>
    machineCapacity({ machine, diskBytes: 0, maxPods, podsPerCore })['pods'];
  t.equal(pods(110, 10), '20');
  t.equal(pods(15, 10), '15');
  t.equal(pods(15, 0), '15');
});

t.test('reservations that leave less than nothing', async (t) => {
  t.same(overReserved(capacity, reserved), []);
  const greedy = { ...reserved, kubeReserved: parseReserved('memory=8Gi') };
  t.same(overReserved(capacity, greedy), [
    'Resource "memory" has a reservation of 8548Mi but capacity of 8Gi. Expected capacity >= reservation.',
  ]);
  t.equal(allocatable(capacity, greedy)['memory'], '0');
  t.throws(() => parseReserved('pods=1'), { message: 'cannot reserve "pods" resource' });
  t.throws(() => parseReserved('cpu=-1'), { message: 'resource quantity for "cpu" cannot be negative: -1' });
});

t.test('options', async (t) => {
  const policy = (...argv: string[]) => nodePolicy(parseOptions(policyOptions, argv, {}).options);
  t.same(policy(), defaultNodePolicy, 'the default options are the default policy');
  t.match(policy('--pod-max-pids=100', '--eviction-hard', 'pid.available<10%', '--pods-per-core=5'), {
    podPidsLimit: 100,
    podsPerCore: 5,
    thresholds: [{ signal: 'pid.available', value: { share: 0.1 }, graceMs: 0 }],
  });
  t.throws(() => policy('--image-gc-low-threshold=90'), { code: 'BadRequest' });
  t.throws(() => policy('--kube-reserved=gpu=1'), { message: /cannot reserve "gpu" resource/ });
});
