// A running control plane in this process: the API server with its controllers and, if the test simulates nodes, the scheduler.
import type { Test } from 'tap';
import { silentLogger as log } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { type ControllersOptions, runControllers } from '../../controlplane/controllers/main';
import type { KeyPair } from '../../controlplane/pki/certificate';
import { readAuthority, readTokenKey } from '../../controlplane/pki/pki';
import { runScheduler } from '../../controlplane/scheduler/main';
import { createNodes, type FakeKubeletOptions, runFakeKubelets } from './fake-kubelet';
import { openTestServer, type TestServer } from './test-server';

export interface ControlPlane {
  readonly server: TestServer;
  /** https://127.0.0.1:PORT */
  readonly url: string;
  readonly authority: KeyPair;
  /** A client that may do everything. */
  readonly client: Client;
  /** Aborted when the test is over. */
  readonly signal: AbortSignal;
  /** Also runs `part` until the test ends. */
  readonly run: (part: (signal: AbortSignal) => Promise<void>) => void;
}
export interface ControlPlaneOptions {
  readonly controllers?: Pick<ControllersOptions, 'clock' | 'loadBalancerPool' | 'identity'>;
  /** The longest life of a requested certificate; absent: no certificate is signed. */
  readonly signsForMs?: number;
  /** Names of nodes whose kubelets are simulated. */
  readonly nodes?: readonly string[];
  readonly kubelets?: FakeKubeletOptions;
  /** Default: 10.96.0.0/12. */
  readonly serviceCidr?: string;
}

/** The control plane ends with the test. */
export async function openControlPlane(test: Test, options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { controllers = {}, signsForMs, nodes = [], kubelets, serviceCidr } = options;
  const server = await openTestServer(serviceCidr === undefined ? {} : { serviceCidr });
  const abort = new AbortController();
  const running: Promise<void>[] = [];
  test.teardown(async () => {
    abort.abort(new Error('test over'));
    await Promise.all(running);
    await server.close();
  });
  const run: ControlPlane['run'] = (part) => void running.push(part(abort.signal));
  const authority = (await readAuthority(server.pkiDir))!;
  const tokenKey = (await readTokenKey(server.pkiDir))!;
  const client = server.client();
  await createNodes(client, ...nodes);
  const signing = signsForMs === undefined ? {} : { signing: { authority, maxLifetimeMs: signsForMs } };
  const asManager = server.client('system:kube-controller-manager');
  const given = {
    ...controllers,
    ...signing,
    catalog: server.catalog,
    client: asManager,
    log,
    clusterCidr: '10.244.0.0/16',
    caPem: authority.cert,
    tokenKey,
  };
  run((signal) => runControllers(given, signal));
  if (nodes.length > 0) {
    const { identity } = controllers;
    const scheduler = { client: server.client('system:kube-scheduler'), log, ...(identity ? { identity } : {}) };
    run((signal) => runScheduler(scheduler, signal));
    run((signal) => runFakeKubelets(client, signal, kubelets));
  }
  return { server, url: `https://127.0.0.1:${server.port}`, authority, client, signal: abort.signal, run };
}
