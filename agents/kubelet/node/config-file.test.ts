import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseOptions } from '../../../controlplane/process/options';
import { kubeletOptions, withConfigFile } from '../options';
import { argumentsOf } from './config-file';

const head = { kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1' };

t.test('fields become options', async (t) => {
  t.same(
    argumentsOf({
      ...head,
      maxPods: 50,
      cgroupsPerQOS: false,
      clusterDNS: ['10.0.0.10', '10.0.0.11'],
      evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '5%' },
      evictionSoftGracePeriod: { 'memory.available': '1m0s' },
      kubeReserved: { cpu: '100m' },
      // As kubeadm writes them.
      cpuManagerReconcilePeriod: '0s',
      logging: { flushFrequency: 0, options: { json: {} } },
    }),
    [
      '--max-pods=50',
      '--cgroups-per-qos=false',
      '--cluster-dns=10.0.0.10',
      '--eviction-hard=memory.available<200Mi,nodefs.available<5%',
      '--eviction-soft-grace-period=memory.available=1m0s',
      '--kube-reserved=cpu=100m',
    ],
  );
  t.same(argumentsOf({ ...head, mergeDefaultEvictionSettings: true, evictionHard: { 'nodefs.available': '5%' } }), [
    '--eviction-hard=memory.available<100Mi,nodefs.available<5%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%',
  ]);
});

t.test('the shutdown of the node', async (t) => {
  const file = {
    ...head,
    shutdownGracePeriod: '30s',
    shutdownGracePeriodCriticalPods: '10s',
    shutdownGracePeriodByPodPriority: [{ priority: 1000, shutdownGracePeriodSeconds: 60 }, { priority: 0 }],
  };
  t.same(argumentsOf(file), [
    '--node-shutdown-grace-period=30s',
    '--node-shutdown-grace-period-critical-pods=10s',
    '--node-shutdown-grace-period-by-pod-priority=1000=60,0=0',
  ]);
});

t.test('what is wrong is named', async (t) => {
  const cases = [
    { document: 'x', message: 'expected a KubeletConfiguration' },
    {
      document: { ...head, kind: 'Pod' },
      message: 'expected kind KubeletConfiguration of kubelet.config.k8s.io/v1beta1',
    },
    { document: { ...head, maxPods: '50' }, message: 'maxPods: expected an integer' },
    { document: { ...head, kubeReserved: { cpu: 1 } }, message: 'kubeReserved[cpu]: expected a string' },
    { document: { ...head, evictionHard: [] }, message: 'evictionHard: expected a map of strings' },
    {
      document: { ...head, shutdownGracePeriodByPodPriority: [{ priority: 'high' }] },
      message: 'shutdownGracePeriodByPodPriority.priority: expected an integer',
    },
    {
      document: { ...head, cpuManagerPolicy: 'static' },
      message: 'cpuManagerPolicy: this kubelet does not have this setting',
    },
  ];
  for (const { document, message } of cases) t.throws(() => argumentsOf(document), { code: 'BadRequest', message });
});

t.test('options of the command line win over the file', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-config-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'config.yaml');
  await writeFile(path, `apiVersion: ${head.apiVersion}\nkind: ${head.kind}\nmaxPods: 50\npodsPerCore: 10\n`);
  const needed = ['--kubeconfig=/x', '--node-name=n1', '--pki-dir=/x'];
  const parse = (...argv: string[]) => parseOptions(kubeletOptions, withConfigFile([...needed, ...argv]), {}).options;
  t.match(parse(`--config=${path}`, '--max-pods=60'), { maxPods: 60, podsPerCore: 10 });
  t.match(parse('--config', path), { maxPods: 50, podsPerCore: 10 });
  t.match(parse(), { maxPods: 110, podsPerCore: 0 });
  await writeFile(path, `apiVersion: ${head.apiVersion}\nkind: ${head.kind}\nmaxPods: many\n`);
  t.throws(() => parse('--config', path), { message: `--config=${path}: maxPods: expected an integer` });
});
