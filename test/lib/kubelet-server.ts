// A kubelet with its server as on port 10250, an API server that reaches it, and kubectl with an administrator's kubeconfig.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { Access } from '../../agents/kubelet/server/access/access';
import { serveKubelet } from '../../agents/kubelet/server/kubelet-server';
import { PodLookup } from '../../agents/kubelet/server/pod-lookup';
import type { StatsPages } from '../../agents/kubelet/server/stats-pages';
import { streamingHandlers } from '../../agents/kubelet/server/streaming-handlers';
import { createStreamingServer } from '../../agents/kubelet/streaming/server';
import { systemClock } from '../../controlplane/base/clock';
import { NotFound } from '../../controlplane/base/errors';
import { silentLogger as log } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { issueCertificate } from '../../controlplane/pki/issue';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from './control-plane';
import { startDockerd, type TestDockerd } from './dockerd';
import { startKubelet } from './kubelet';

const host = '127.0.0.1';

/** A port that is free now: the Node names it before the server listens. */
async function freePort(): Promise<number> {
  const server: Server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** What the pages of statistics are made of. */
interface StatsInput {
  readonly dockerd: TestDockerd;
  readonly runtime: DockerRuntime;
  readonly kubelet: Awaited<ReturnType<typeof startKubelet>>['kubelet'];
}

const noStats: StatsPages = {
  summary: () => Promise.reject(new Error('this test asks for no statistics')),
  resource: async () => '',
  cadvisor: async () => '',
  probes: () => '',
};

/** Node n1. Everything ends with the test. `stats`: absent for a test that asks for no statistics. */
export async function startServedKubelet(t: Test, stats?: (input: StatsInput) => Promise<StatsPages>) {
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
  const server = {
    host,
    port,
    certificate: { current: { ca: authority.cert, ...pair }, onChange: () => {} },
    access: new Access({ client, clock: systemClock, nodeName: 'n1' }),
    runtime,
    lookup,
    streaming: createStreamingServer({ handlers: streamingHandlers(runtime, lookup), log }),
    stats: stats ? await stats({ dockerd, runtime, kubelet }) : noStats,
    packetPath: { answer: () => Promise.reject(new NotFound('this kubelet is not asked about packets')) },
    traffic: { answer: () => Promise.reject(new NotFound('this kubelet is not asked about traffic')) },
    metrics: () => '',
    slis: () => '',
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
  const exec = new SystemExec();
  const flags = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`];
  const kubectl = (args: readonly string[], input = '') =>
    exec.run(['kubectl', ...flags, ...args], { input, timeoutMs: 120_000 });
  return { client, dockerd, kubeconfig, dir, kubectl };
}
