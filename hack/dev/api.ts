// The scripts' requests to a running cluster: they check that server, nodes and demo are ready, and create the demo's objects.
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Condition, conditionOf, controlPlaneLabel, isReady } from '../../controlplane/api';
import { AppError, describeError, Unavailable } from '../../controlplane/base/errors';
import { type ConnectionOptions, loadKubeconfig } from '../../controlplane/client/kubeconfig';

const requestTimeoutMs = 5_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
}
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Record<string, string>;
  };
  readonly [field: string]: unknown;
}

interface NodeState {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** One API server as seen by an administrator. */
export class Api {
  private constructor(
    private readonly connection: ConnectionOptions,
    private readonly timeoutMs: number,
  ) {}

  /** @param server another address than that of the kubeconfig */
  static async open(kubeconfig: string, timeoutMs = requestTimeoutMs, server?: string): Promise<Api> {
    return new Api({ ...(await loadKubeconfig(kubeconfig)), ...(server === undefined ? {} : { server }) }, timeoutMs);
  }

  /** @throws Unavailable when the server cannot be reached */
  send(method: string, path: string, body?: unknown): Promise<Answer> {
    const { server, ca, cert, key } = this.connection;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = text === undefined ? {} : { 'content-type': type };
    return new Promise((resolve, reject) => {
      const onError = (cause: Error) => reject(new Unavailable(`${server} does not answer`, { cause }));
      const options = { method, ca, cert, key, headers, agent: false, timeout: this.timeoutMs } as const;
      const call = request(new URL(path, server), options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', onError);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      });
      call.once('timeout', () => call.destroy(new Error(`no answer within ${this.timeoutMs} ms`)));
      call.once('error', onError);
      call.end(text);
    });
  }

  async get<T>(path: string): Promise<T> {
    const { status, text } = await this.send('GET', path);
    if (status !== 200) throw new AppError('Internal', `GET ${path}: ${status} ${messageOf(text)}`);
    return JSON.parse(text) as T;
  }

  /** Labels a node as the control machine: a kubelet may not set that label on its own node. Repeatable. */
  async markControlPlane(node: string): Promise<void> {
    const body = { metadata: { labels: { [controlPlaneLabel]: '' } } };
    const { status, text } = await this.send('PATCH', `/api/v1/nodes/${node}`, body);
    if (status !== 200) throw new AppError('Internal', `labels of node ${node}: ${status} ${messageOf(text)}`);
  }

  /** Whether /readyz says ok. */
  async ready(): Promise<boolean> {
    return (await this.notReady()) === undefined;
  }

  /** The failed checks of /readyz; undefined when the server is ready. */
  async notReady(): Promise<string | undefined> {
    try {
      const { status, text } = await this.send('GET', '/readyz');
      if (status === 200) return undefined;
      const failed = text.split('\n').filter((line) => line.startsWith('[-]'));
      return `is not ready: ${failed.map((line) => line.slice('[-]'.length)).join(', ') || status}`;
    } catch (error) {
      return `is not ready: ${describeError(error)}`; // Not listening yet.
    }
  }

  async nodes(): Promise<readonly { readonly name: string; readonly ready: boolean; readonly reason: string }[]> {
    const { items } = await this.get<{ items: NodeState[] }>('/api/v1/nodes');
    return items.map((node) => ({
      name: node.metadata.name,
      ready: isReady(node),
      reason: conditionOf(node, 'Ready')?.message ?? 'no status yet',
    }));
  }

  /** Creates missing objects; existing objects stay unchanged. Returns the created ones. */
  async createMissing(manifests: readonly Manifest[]): Promise<readonly string[]> {
    const created: string[] = [];
    for (const manifest of manifests) {
      const { status, text } = await this.send('POST', collectionOf(manifest), withAppliedNote(manifest));
      const what = `${manifest.kind} ${manifest.metadata.name}`;
      if (status === 201) created.push(what);
      else if (status !== 409) throw new AppError('Internal', `${what}: ${status} ${messageOf(text)}`);
    }
    return created;
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.trim();
  }
}

/** So that a later `kubectl apply` of the same files works as if kubectl had created the objects. */
function withAppliedNote(manifest: Manifest): Manifest {
  const { annotations = {}, ...metadata } = manifest.metadata;
  const plain = { ...manifest, metadata: { ...metadata, annotations } };
  const note = { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(plain)}\n` };
  return { ...manifest, metadata: { ...metadata, annotations: { ...annotations, ...note } } };
}

/** The kinds of the demo. */
const plurals: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Pod: 'pods',
  Service: 'services',
  Deployment: 'deployments',
  Ingress: 'ingresses',
  ConfigMap: 'configmaps',
};

function collectionOf({ apiVersion, kind, metadata }: Manifest): string {
  const plural = plurals[kind];
  if (!plural) throw new AppError('Unsupported', `hack/demo: kind ${kind} is not known to hack/dev/api.ts`);
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return kind === 'Namespace' ? `${root}/${plural}` : `${root}/namespaces/${metadata.namespace ?? 'default'}/${plural}`;
}

/** All documents of all .yaml files of a directory, in order of their names. */
export async function readManifests(dir: string): Promise<readonly Manifest[]> {
  const files = (await readdir(dir)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(dir, file), 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest))
    .filter(Boolean);
}
