// `kubectl top` from the kernel's counters to the screen: a container of real Docker, the kubelet's server, metrics.k8s.io.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { readMachineFacts } from '../../agents/kubelet/node/facts';
import { ProbeMetrics } from '../../agents/kubelet/probes/probe-metrics';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { Access } from '../../agents/kubelet/server/access/access';
import { serveKubelet } from '../../agents/kubelet/server/kubelet-server';
import { PodLookup } from '../../agents/kubelet/server/pod-lookup';
import { statsPages } from '../../agents/kubelet/server/stats-pages';
import { streamingHandlers } from '../../agents/kubelet/server/streaming-handlers';
import { openStats } from '../../agents/kubelet/stats/open';
import { createStreamingServer } from '../../agents/kubelet/streaming/server';
import { pods, serviceAccounts } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger as log } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { issueCertificate } from '../../controlplane/pki/issue';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { eventually } from '../lib/eventually';
import { skippedWithoutKubectl } from '../lib/kubectl';
import { kubeletPod, startKubelet } from '../lib/kubelet';

t.setTimeout(240_000);
const exec = new SystemExec();
const host = '127.0.0.1';

/** A port that is free now: the Node names it before the server listens. */
async function freePort(): Promise<number> {
  const server: Server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

t.test('kubectl top', { skip: skipWithoutDocker() }, async (t) => {
  if (await skippedWithoutKubectl(t, 20)) return;
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const { url, authority, client, signal } = await openControlPlane(t);
  const port = await freePort();
  const { kubelet, stop } = await startKubelet(client, dockerd, [host], port);
  scope.defer(() => stop());
  const runtime = new DockerRuntime(dockerd.host);
  const lookup = new PodLookup(kubelet.pods, kubelet.records);
  const pair = await issueCertificate(authority, { commonName: host, hosts: [host], usages: ['server'] }, Date.now());
  const machine = await readMachineFacts();
  const options = { nodeName: 'n1', rootDir: dockerd.dir, dockerHost: dockerd.host };
  const stats = await openStats({ options, machine, runtime, records: kubelet.records });
  const server = {
    host,
    port,
    certificate: { current: { ca: authority.cert, ...pair }, onChange: () => {} },
    access: new Access({ client, clock: systemClock, nodeName: 'n1' }),
    runtime,
    lookup,
    streaming: createStreamingServer({ handlers: streamingHandlers(runtime, lookup), log }),
    stats: statsPages({ stats, runtime, machine, probes: new ProbeMetrics(), startedAtMs: 0 }),
    metrics: () => '',
    configz: () => ({}),
    problem: () => undefined,
    logDir: t.testdir(),
    clock: systemClock,
    log,
  };
  await serveKubelet(server, signal);
  const dir = t.testdir();
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const kubectl = async (...args: string[]) =>
    (
      await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...args], {
        timeoutMs: 120_000,
      })
    ).stdout;
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
