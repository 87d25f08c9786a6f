// Clients of a cluster that write, watch and read all the time while the test disturbs it. They keep what they asked and got, for
// checkHistory(), and how long they waited.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfigMap, configMaps, namespaces } from '../../controlplane/api';
import type { Client } from '../../controlplane/client/client';
import { connect } from '../../controlplane/client/connect';
import type { History, Seen, Write } from '../lib/history';
import { until } from './cluster';

const pauseMs = 20;
/** A request to a server that is cut off must not hold up its client for ever. */
const requestMs = 10_000;

export interface Waits {
  /** Acknowledged writes. */
  readonly writes: number;
  readonly failed: number;
  /** The longest time in ms from one answer to the next one. */
  readonly longestMs: number;
}

export class ApiClients {
  private readonly stop = new AbortController();
  private isWriting = true;
  private readonly writes: Write[] = [];
  private readonly watches: Seen[][] = [];
  private readonly problems: string[] = [];
  private writer = Promise.resolve();
  private watchers: readonly Promise<void>[] = [];
  private answeredAt = 0;
  private waits = { writes: 0, failed: 0, longestMs: 0 };

  private constructor(
    private readonly client: Client,
    private readonly namespace: string,
  ) {}

  /** Starts one writer and two watches in a new namespace. */
  static async start(kubeconfig: string, namespace: string): Promise<ApiClients> {
    const clients = new ApiClients(await connect(kubeconfig), namespace);
    await clients.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    // Every namespace gets this object, which is not of the writer.
    const first = await until('the namespace is settled', async () => {
      const list = await clients.list();
      return list.items.some(({ metadata }) => metadata?.name === 'kube-root-ca.crt') && list;
    });
    const from = first.metadata.resourceVersion ?? '';
    clients.answeredAt = performance.now();
    clients.writer = clients.write();
    clients.watchers = [clients.watch(from), clients.watch(from)];
    return clients;
  }

  /** What happened since the last call. */
  lap(): Waits {
    const { waits } = this;
    this.waits = { writes: 0, failed: 0, longestMs: 0 };
    return waits;
  }

  /** Resolves after so many more acknowledged writes. */
  async acknowledged(count: number): Promise<void> {
    const target = this.waits.writes + count;
    await until(`${count} more writes are acknowledged`, async () => this.waits.writes >= target, 120_000);
  }

  /** Ends all once the watches have seen the last write. `problems` are errors that no client may get. */
  async end(): Promise<{ readonly history: History; readonly problems: readonly string[] }> {
    this.isWriting = false;
    await this.writer;
    const last = await this.create('last');
    await until('both watches have seen the last write', async () =>
      this.watches.every((events) => events.some(({ key }) => key === last.key)),
    );
    this.stop.abort();
    await Promise.all(this.watchers);
    const { items } = await this.list();
    const own = items.filter(({ data }) => data?.['value'] !== undefined);
    const final = new Map(own.map((item) => [item.metadata!.name!, item.data!['value']!]));
    return { history: { writes: this.writes, watches: this.watches, final }, problems: this.problems };
  }

  private list() {
    return this.client.list(configMaps, { namespace: this.namespace });
  }

  private async write(): Promise<void> {
    for (let i = 0; this.isWriting; i++) {
      const { revision } = await this.create(`write-${i}`);
      const now = performance.now();
      if (revision === undefined) this.waits.failed++;
      else {
        this.waits.writes++;
        this.waits.longestMs = Math.max(this.waits.longestMs, Math.round(now - this.answeredAt));
        this.answeredAt = now;
      }
      await sleep(pauseMs);
    }
  }

  private async create(name: string): Promise<Write> {
    const metadata = { name, namespace: this.namespace };
    const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value: name } };
    const made = await this.client
      .create(configMaps, object, { signal: AbortSignal.timeout(requestMs) })
      .catch(() => undefined);
    const version = made?.metadata?.resourceVersion;
    const write: Write = {
      type: 'create',
      key: name,
      value: name,
      revision: version === undefined ? undefined : Number(version),
    };
    this.writes.push(write);
    return write;
  }

  private async watch(from: string): Promise<void> {
    const events: Seen[] = [];
    this.watches.push(events);
    const { signal } = this.stop;
    for (let resourceVersion = from; !signal.aborted; await sleep(pauseMs)) {
      try {
        const params = { namespace: this.namespace, resourceVersion };
        for await (const { type, object } of this.client.watch(configMaps, params, signal)) {
          resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
          if (type === 'BOOKMARK') continue;
          const [key = '', value = ''] = [object.metadata?.name, object.data?.['value']];
          if (type === 'ADDED') events.push({ type: 'create', key, value, revision: Number(resourceVersion) });
          else this.problems.push(`a watch got ${type} of ${key}`);
        }
      } catch (err) {
        // A server that ends or is cut off ends its watches; all else is a fault.
        if ((err as { code?: string }).code === 'Expired')
          this.problems.push(`a watch from ${resourceVersion} expired`);
      }
    }
  }
}
