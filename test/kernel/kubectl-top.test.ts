// `kubectl top` from the kernel's counters to the screen: a container of real Docker, the kubelet's server, metrics.k8s.io.
import t from 'tap';
import { readMachineFacts } from '../../agents/kubelet/node/facts';
import { ProbeMetrics } from '../../agents/kubelet/probes/probe-metrics';
import { statsPages } from '../../agents/kubelet/server/stats-pages';
import { openStats } from '../../agents/kubelet/stats/open';
import { pods, serviceAccounts } from '../../controlplane/api';
import { skipWithoutDocker } from '../lib/dockerd';
import { eventually } from '../lib/eventually';
import { skippedWithoutKubectl } from '../lib/kubectl';
import { kubeletPod } from '../lib/kubelet';
import { startServedKubelet } from '../lib/kubelet-server';

t.setTimeout(240_000);

t.test('kubectl top', { skip: skipWithoutDocker() }, async (t) => {
  if (await skippedWithoutKubectl(t, 20)) return;
  const {
    client,
    dockerd,
    kubectl: run,
  } = await startServedKubelet(t, async ({ dockerd: { dir, host }, runtime, kubelet }) => {
    const machine = await readMachineFacts();
    const options = { nodeName: 'n1', rootDir: dir, dockerHost: host };
    const stats = await openStats({ options, machine, runtime, records: kubelet.records });
    return statsPages({ stats, runtime, machine, probes: new ProbeMetrics(), startedAtMs: 0 });
  });
  const kubectl = async (...args: string[]) => (await run(args)).stdout;
  const shell = (name: string, script: string) => ({
    name,
    image: dockerd.image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', script],
  });
  const containers = [shell('busy', 'while true; do true; done'), shell('idle', 'exec sleep 1000')];
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  const { metadata, ...pod } = kubeletPod('web', { automountServiceAccountToken: false, containers });
  await client.create(pods, {
    ...pod,
    metadata: { name: metadata?.name, namespace: 'default', labels: { app: 'web' } },
  });
  await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=100s');

  t.comment(await kubectl('version', '--client'));
  t.match(await kubectl('top', 'nodes'), /^NAME .*CPU\(cores\).*\nn1 +\d+m +\d+% +\d+Mi +\d+%/);
  t.match(await kubectl('top', 'pods'), /^NAME +CPU\(cores\) +MEMORY\(bytes\) *\nweb +[1-9]\d*m +\d+Mi/);
  const byContainer = await kubectl('top', 'pods', '--containers', '-l', 'app=web');
  const [, busy = ''] = /web +busy +(\d+)m/.exec(byContainer) ?? [];
  const [, idle = ''] = /web +idle +(\d+)m/.exec(byContainer) ?? [];
  t.ok(Number(busy) > Number(idle), byContainer);
  t.match(await kubectl('top', 'pod', 'web'), /web +\d+m/);
  const table = await kubectl('get', 'pods.metrics.k8s.io', 'web');
  t.match(table, /^NAME +CPU +MEMORY +WINDOW *\nweb +\w+ +\w+ +10s/);
  t.match(
    await kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/metrics/cadvisor'),
    /container_cpu_usage_seconds_total\{container="busy"/,
  );
});
