// Does the operations of a soak on a cluster: through the API, and through the data plane from this machine.
import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  configMaps,
  type Deployment,
  deployments,
  type Ingress,
  ingresses,
  type KindRef,
  type KubeObject,
  namespaces,
  type Service,
  secrets,
  services,
} from '../../controlplane/api';
import { isAlreadyExists, isNotFound } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import type { Operation, SoakKind } from './operations';

const requestTimeoutMs = 10_000;
/** The first pods start, and each node has their Service. */
const startTimeoutMs = 120_000;
const host = 'soak.local';
const app = { app: 'web' };
const replicas = { few: 2, many: 3 } as const;
/** Objects of a deleted namespace take a moment to end. */
const removalTimeoutMs = 120_000;

export interface LoadOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly nodeIps: readonly string[];
}

export class Load {
  readonly done: Record<string, number> = {};
  /** By message; a soak without faults has none. */
  readonly failures = new Map<string, number>();
  private readonly watches = new Map<string, AbortController>();
  private nodePort = 0;
  private turn = 0;

  constructor(private readonly options: LoadOptions) {}

  /** The namespace, and a workload behind a Service and an Ingress, which stay until `close`. */
  async open(): Promise<void> {
    const { client, namespace } = this.options;
    const made = async (create: Promise<unknown>) => {
      await create.catch((err: unknown) => {
        if (!isAlreadyExists(err)) throw err;
      });
    };
    await made(
      client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } as KubeObject),
    );
    await made(client.create(deployments, workload(namespace)));
    await made(client.create(services, serviceOf(namespace, 'web', 'NodePort')));
    await made(client.create(ingresses, ingressOf(namespace, 'web', host)));
    this.nodePort = (await client.get(services, `${namespace}/web`)).spec?.ports?.[0]?.nodePort ?? 0;
    await this.untilReached();
  }

  /** @throws Error when the workload does not answer in time, through each node */
  private async untilReached(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    for (const ip of this.options.nodeIps) {
      for (const port of [this.nodePort, 80]) {
        for (;;) {
          const failure = await answered(ip, port, host).then(
            () => undefined,
            (err: Error) => err,
          );
          if (!failure) break;
          if (Date.now() > deadline) throw new Error(`no answer through ${ip}:${port}`, { cause: failure });
          await sleep(200);
        }
      }
    }
  }

  /** Counts the operation by its result; never throws. */
  async run(operation: Operation): Promise<void> {
    try {
      await this.apply(operation);
      const name = operation.action === 'request' ? `request by ${operation.way}` : operation.action;
      this.done[name] = (this.done[name] ?? 0) + 1;
    } catch (err) {
      const text = `${operation.action}: ${err instanceof Error ? err.message : err}`.slice(0, 200);
      this.failures.set(text, (this.failures.get(text) ?? 0) + 1);
    }
  }

  /** The Deployment alternates between two numbers of pods. */
  async scale(step: number): Promise<void> {
    const wanted = step % 2 === 0 ? replicas.few : replicas.many;
    try {
      const { client, namespace } = this.options;
      await client.patch(deployments, `${namespace}/web`, 'merge', { spec: { replicas: wanted } });
      this.done['scale'] = (this.done['scale'] ?? 0) + 1;
    } catch (err) {
      const text = `scale: ${err instanceof Error ? err.message : err}`;
      this.failures.set(text, (this.failures.get(text) ?? 0) + 1);
    }
  }

  /** Ends all watches and deletes the namespace. */
  async close(): Promise<void> {
    for (const watch of this.watches.values()) watch.abort();
    const { client, namespace } = this.options;
    await client.delete(namespaces, namespace).catch(() => {});
    const deadline = Date.now() + removalTimeoutMs;
    while (Date.now() < deadline) {
      const gone = await client.get(namespaces, namespace).then(
        () => false,
        (err: unknown) => isNotFound(err),
      );
      if (gone) return;
      await sleep(500);
    }
  }

  private async apply(operation: Operation): Promise<void> {
    const { client, namespace } = this.options;
    switch (operation.action) {
      case 'create':
        await client.create(kindOf[operation.kind], objectOf(namespace, operation.kind, operation.name));
        return;
      case 'change':
        await client.patch(
          kindOf[operation.kind],
          `${namespace}/${operation.name}`,
          'merge',
          changeOf(operation.kind, operation.version),
        );
        return;
      case 'delete':
        await client.delete(kindOf[operation.kind], `${namespace}/${operation.name}`);
        return;
      case 'list':
        await client.list(kindOf[operation.kind], { namespace });
        return;
      case 'open watch':
        await this.openWatch(operation.kind, operation.name);
        return;
      case 'close watch':
        this.watches.get(operation.name)?.abort();
        this.watches.delete(operation.name);
        return;
      case 'request':
        await this.request(operation.way);
    }
  }

  /** Reads events until it is closed; the server ends a watch by itself too, and that is no failure. */
  private async openWatch(kind: SoakKind, name: string): Promise<void> {
    const { client, namespace } = this.options;
    const { metadata } = await client.list(kindOf[kind], { namespace });
    const abort = new AbortController();
    this.watches.set(name, abort);
    const params = { namespace, resourceVersion: metadata.resourceVersion };
    void (async () => {
      for await (const { type } of client.watch(kindOf[kind], params, abort.signal)) {
        this.done[`event ${type}`] = (this.done[`event ${type}`] ?? 0) + 1;
      }
    })().catch((err: unknown) => {
      if (!abort.signal.aborted) this.failures.set(`watch: ${err}`, (this.failures.get(`watch: ${err}`) ?? 0) + 1);
    });
  }

  private async request(way: 'ingress' | 'dns' | 'node port'): Promise<void> {
    const { namespace, nodeIps } = this.options;
    const ip = nodeIps[this.turn++ % nodeIps.length]!;
    if (way === 'dns') {
      const resolver = new Resolver({ timeout: requestTimeoutMs, tries: 1 });
      resolver.setServers([ip]);
      await resolver.resolve4(`web.${namespace}.svc.cluster.local`);
    } else if (way === 'ingress') await answered(ip, 80, host);
    else await answered(ip, this.nodePort, host);
  }
}

const kindOf: Readonly<Record<SoakKind, KindRef>> = {
  ConfigMap: configMaps,
  Secret: secrets,
  Service: services,
  Ingress: ingresses,
};

function objectOf(namespace: string, kind: SoakKind, name: string): KubeObject {
  const metadata = { name, namespace };
  if (kind === 'ConfigMap') return { apiVersion: 'v1', kind, metadata, data: { text: name.repeat(20) } } as KubeObject;
  if (kind === 'Secret') return { apiVersion: 'v1', kind, metadata, stringData: { text: name } } as KubeObject;
  if (kind === 'Service') return serviceOf(namespace, name, name.endsWith('0') ? 'NodePort' : 'ClusterIP');
  return ingressOf(namespace, name, `${name}.soak.local`);
}

/** A merge patch. */
function changeOf(kind: SoakKind, version: number): unknown {
  if (kind === 'ConfigMap') return { data: { version: String(version) } };
  if (kind === 'Secret') return { stringData: { version: String(version) } };
  if (kind === 'Service')
    return { spec: { ports: [{ name: 'http', port: 1_000 + (version % 50_000), targetPort: 8080 }] } };
  return { metadata: { annotations: { version: String(version) } } };
}

const serviceOf = (namespace: string, name: string, type: 'ClusterIP' | 'NodePort'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { type, selector: app, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
});

const ingressOf = (namespace: string, name: string, of: string): Ingress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace },
  spec: {
    ingressClassName: 'k8ts',
    rules: [
      {
        host: of,
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
        },
      },
    ],
  },
});

const workload = (namespace: string): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: replicas.few,
    selector: { matchLabels: app },
    template: {
      metadata: { labels: app },
      spec: {
        terminationGracePeriodSeconds: 10,
        containers: [
          {
            name: 'web',
            image: 'k8ts/codereviewapi:1.0',
            readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 2 },
            lifecycle: { preStop: { sleep: { seconds: 2 } } },
          },
        ],
      },
    },
  },
});

/** @throws Error unless the answer is 200 */
function answered(ip: string, port: number, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: ip, port, headers: { host: name }, agent: false, timeout: requestTimeoutMs } as const;
    const call = request(options, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`answer ${response.statusCode}`)),
      );
    });
    call.once('timeout', () => call.destroy(new Error('no answer in time')));
    call.once('error', reject);
    call.end();
  });
}
