// `kubectl debug` through the API server and the kubelet's server to a container of real Docker.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { Access } from '../../agents/kubelet/server/access/access';
import { serveKubelet } from '../../agents/kubelet/server/kubelet-server';
import { PodLookup } from '../../agents/kubelet/server/pod-lookup';
import { streamingHandlers } from '../../agents/kubelet/server/streaming-handlers';
import { createStreamingServer } from '../../agents/kubelet/streaming/server';
import { pods } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger as log } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { issueCertificate } from '../../controlplane/pki/issue';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
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

t.test('kubectl debug', { skip: skipWithoutDocker() }, async (t) => {
  if (await skippedWithoutKubectl(t, 30)) return;
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const { url, authority, client, signal } = await openControlPlane(t);
  const port = await freePort();
  const { kubelet, stop } = await startKubelet(client, dockerd, [host], port);
  scope.defer(() => stop());
  const runtime = new DockerRuntime(dockerd.host);
  const lookup = new PodLookup(kubelet.pods, kubelet.records);
  const usages = ['server'] as const;
  const pair = await issueCertificate(authority, { commonName: host, hosts: [host], usages }, Date.now());
  const unasked = {
    summary: () => Promise.reject(new Error('this test asks for no statistics')),
    resource: async () => '',
    cadvisor: async () => '',
    probes: () => '',
  };
  const server = {
    host,
    port,
    certificate: { current: { ca: authority.cert, ...pair }, onChange: () => {} },
    access: new Access({ client, clock: systemClock, nodeName: 'n1' }),
    runtime,
    lookup,
    streaming: createStreamingServer({ handlers: streamingHandlers(runtime, lookup), log }),
    stats: unasked,
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
  const kubectl = (args: readonly string[], input = '') =>
    exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...args], {
      input,
      timeoutMs: 120_000,
    });
  const { image } = dockerd;
  const app = { name: 'app', image, imagePullPolicy: 'Never', command: ['/bin/sleep', '1000'] };
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=100s']);
  const { metadata, ...pod } = kubeletPod('web', { automountServiceAccountToken: false, containers: [app] });
  await client.create(pods, { ...pod, metadata: { name: metadata?.name, namespace: 'default' } });
  await kubectl(['wait', '--for=condition=Ready', 'pod/web', '--timeout=100s']);

  /** The output of a session at a terminal, which `script` provides. At the end of a plain stdin kubectl would leave at once. */
  const debug = async (input: string, ...more: string[]) => {
    const session = [
      'debug',
      'web',
      `--image=${image}`,
      '--image-pull-policy=Never',
      '--profile=general',
      '-it',
      ...more,
    ];
    const command = ['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...session].join(' ');
    const { stdout } = await exec.run(['script', '-qc', command, '/dev/null'], { input, timeoutMs: 120_000 });
    return stdout.replaceAll('\0', ' ');
  };
  const words = 'echo $((40+2))-in-$(hostname); cat /proc/1/cmdline; echo; exit 3\n';
  const joined = await debug(words, '--target=app', '-c', 'joined', '--', '/bin/sh');
  t.match(joined, /42-in-web/);
  t.match(joined, /\/bin\/sleep 1000/, 'it sees the processes of its target');
  t.match((await kubectl(['logs', 'web', '-c', 'joined'])).stdout, /42-in-web/);
  const exitCode = '{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}';
  await kubectl(['wait', 'pod/web', `--for=jsonpath=${exitCode}=3`, '--timeout=100s']);
  const apart = await debug(words, '-c', 'apart', '--', '/bin/sh');
  t.match(apart, /42-in-web/);
  t.notMatch(apart, /sleep 1000/);
  t.match((await kubectl(['describe', 'pod', 'web'])).stdout, /Ephemeral Containers:\s+joined:[\s\S]*apart:/);
  t.match((await kubectl(['get', 'pod', 'web'])).stdout, /1\/1 +Running +0/);
});
