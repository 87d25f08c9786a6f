// The pods and namespaces of the cluster for policies, kept current while there is a policy. Keeps only the parts of a pod that
// rules depend on, and reports only changes of these parts.
import { type Namespace, namespaces, type Pod, pods } from '../../../controlplane/api';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { createInformer, type Informer } from '../../../controlplane/client/informer';
import type { NamespaceRecord, PodRecord } from '../../../dataplane/policy/input';
import { translateNamespace, translatePod } from './translate';

export interface PeersDeps {
  readonly client: Client;
  readonly nodeName: string;
  readonly log: Logger;
  readonly onChange: () => void;
}

/** One watch of pods and one of namespaces. Runs from construction until close(). */
export class Peers {
  private readonly podRecords = new Map<string, PodRecord>();
  private readonly namespaceRecords = new Map<string, NamespaceRecord>();
  private readonly stop = new AbortController();
  private readonly running: Promise<unknown>;
  private readonly informers: readonly [Informer<Pod>, Informer<Namespace>];

  constructor(private readonly deps: PeersDeps) {
    const { client, log, nodeName } = deps;
    const podInformer = createInformer(client, pods, { log, keep: relevantPod });
    const namespaceInformer = createInformer(client, namespaces, { log, keep: relevantNamespace });
    podInformer.onChange(({ type, key, object }) =>
      this.put(this.podRecords, key, type === 'deleted' ? undefined : translatePod(object, nodeName)),
    );
    namespaceInformer.onChange(({ type, key, object }) =>
      this.put(this.namespaceRecords, key, type === 'deleted' ? undefined : translateNamespace(object)),
    );
    this.informers = [podInformer, namespaceInformer];
    this.running = Promise.all(this.informers.map((informer) => informer.run(this.stop.signal)));
  }

  get pods(): readonly PodRecord[] {
    return [...this.podRecords.values()];
  }

  get namespaces(): readonly NamespaceRecord[] {
    return [...this.namespaceRecords.values()];
  }

  /** Resolves when the first lists of both are complete. */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.synced(AbortSignal.any([signal, this.stop.signal]))));
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('no policy any more'));
    await this.running;
  }

  private put<R>(records: Map<string, R>, key: string, record: R | undefined): void {
    const before = records.get(key);
    if (record === undefined) records.delete(key);
    else if (JSON.stringify(before) !== JSON.stringify(record)) records.set(key, record);
    else return;
    if (before !== undefined || record !== undefined) this.deps.onChange();
  }
}

/** A complete pod has some kilobytes, this part some hundred bytes. */
export function relevantPod({ metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp } = metadata ?? {};
  const portsOf = (containers: NonNullable<Pod['spec']>['containers'] | undefined) =>
    (containers ?? []).flatMap(({ name, restartPolicy, ports = [] }) => {
      const named = ports.filter((port) => port.name);
      return named.length > 0 ? [{ name, ...(restartPolicy ? { restartPolicy } : {}), ports: named }] : [];
    });
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      ...(labels ? { labels } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
    },
    spec: {
      nodeName: spec?.nodeName,
      containers: portsOf(spec?.containers),
      initContainers: portsOf(spec?.initContainers),
      ...(spec?.hostNetwork ? { hostNetwork: true } : {}),
    },
    status: { phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs },
  };
}

function relevantNamespace({ metadata }: Namespace): Namespace {
  const { name, uid, resourceVersion, labels } = metadata ?? {};
  return { metadata: { name, uid, resourceVersion, ...(labels ? { labels } : {}) } };
}
