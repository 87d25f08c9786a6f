// What the kubelet measures of real containers: the kernel's cgroups, the pod's network, Docker's folders.
import t from 'tap';
import { readMachineFacts } from '../../agents/kubelet/node/facts';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { cadvisorMetrics } from '../../agents/kubelet/stats/cadvisor-metrics';
import { openStats } from '../../agents/kubelet/stats/open';
import { type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { busybox } from '../lib/busybox';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod as pod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

t.setTimeout(240_000);

t.test('statistics of the node, a pod and its containers', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  const { kubelet, stop } = await startKubelet(client, dockerd);
  scope.defer(() => stop());
  await assignPodCidr(client);
  const shell = (name: string, script: string, more: object = {}) => ({
    name,
    image: dockerd.image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', script],
    ...more,
  });
  const written =
    'head -c 3000000 /dev/zero > /written; head -c 2000000 /dev/zero > /cache/f; echo a line; touch /done; exec sleep 1000';
  const probe = { exec: { command: ['/bin/ls', '/done'] }, periodSeconds: 5 };
  const limits = { resources: { limits: { cpu: '500m', memory: '64Mi' } } };
  await client.create(
    pods,
    pod('web', {
      volumes: [{ name: 'cache', emptyDir: {} }],
      containers: [
        shell('idle', written, { readinessProbe: probe, volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }),
        shell('busy', 'while true; do true; done', limits),
      ],
    }),
  );
  const web = await client.until<Pod>(pods, 'default/web', isReady);
  await dockerd.netns.run(busybox, 'ping', '-c3', '-W2', web!.status!.podIP!);
  const stats = await openStats({
    options: { nodeName: 'n1', rootDir: dockerd.dir, dockerHost: dockerd.host },
    machine: await readMachineFacts(),
    runtime: new DockerRuntime(dockerd.host),
    records: kubelet.records,
    pod: () => web,
    volumes: (uid, which) => kubelet.volumeUsage(uid, which),
  });

  const summary = await stats.summary('all');
  t.ok(summary.node.cpu.usageNanoCores > 0);
  t.ok(summary.node.memory.workingSetBytes > 0 && (summary.node.memory.availableBytes ?? 0) > 0);
  t.ok((summary.node.fs?.capacityBytes ?? 0) > 0 && (summary.node.runtime?.imageFs.inodes ?? 0) > 0);
  t.ok((summary.node.rlimit?.curproc ?? 0) > 1);
  t.same(
    summary.node.systemContainers.map(({ name }) => name),
    ['kubelet', 'pods'],
    'the daemon is in another network, so its socket is not seen from here',
  );
  const [found] = summary.pods;
  t.match(found?.podRef, { name: 'web', namespace: 'default', uid: 'uid-of-web' });
  const idle = found?.containers.find(({ name }) => name === 'idle');
  const busy = found?.containers.find(({ name }) => name === 'busy');
  t.ok(busy!.cpu.usageNanoCores > idle!.cpu.usageNanoCores, `${busy?.cpu.usageNanoCores}`);
  t.ok(busy!.cpu.usageNanoCores < 700_000_000, 'its limit is half a core');
  t.ok(found!.cpu.usageCoreNanoSeconds >= busy!.cpu.usageCoreNanoSeconds);
  t.ok((busy!.memory.availableBytes ?? 0) < 64 * 1024 * 1024 && busy!.memory.workingSetBytes > 0);
  t.equal(idle?.memory.availableBytes, undefined, 'it has no limit');
  t.ok((idle?.rootfs?.usedBytes ?? 0) >= 3_000_000, `${idle?.rootfs?.usedBytes}`);
  t.ok((idle?.logs?.usedBytes ?? 0) > 0);
  t.match(found?.volume, [{ name: 'cache' }]);
  t.ok((found?.volume?.[0]?.usedBytes ?? 0) >= 2_000_000 && (found?.volume?.[0]?.capacityBytes ?? 0) > 0);
  t.ok((found?.['ephemeral-storage']?.usedBytes ?? 0) >= 5_000_000);
  t.ok((found?.process_stats?.process_count ?? 0) >= 3);
  t.equal(found?.network?.name, 'eth0');
  t.ok((found?.network?.rxBytes ?? 0) > 0, 'the pod was pinged');

  const text = cadvisorMetrics(await stats.measure('all'), {
    kernelVersion: '',
    osVersion: '',
    runtimeVersion: '',
    deviceName: () => '',
  });
  const value = (name: string, container: string) =>
    Number(new RegExp(`^${name}\\{container="${container}",id="/[^}]*pod="web"[^}]*\\} (\\S+)`, 'm').exec(text)?.[1]);
  t.match(text, `image="${dockerd.image}"`, 'the name in the spec');
  t.equal(value('container_spec_cpu_quota', 'busy'), 50_000);
  t.equal(value('container_spec_memory_limit_bytes', 'busy'), 64 * 1024 * 1024);
  t.ok(value('container_cpu_cfs_periods_total', 'busy') > 0);
  t.ok(value('container_cpu_user_seconds_total', 'busy') > 0);
  t.ok(value('container_network_receive_bytes_total', '') > 0);
  t.equal(value('container_processes', 'busy'), 1);
  t.ok(
    kubelet.probeMetrics
      .render()
      .some((line) => /prober_probe_total\{container="idle".*result="successful"\} \d/.test(line)),
  );
});
