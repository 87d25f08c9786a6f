// Keeps the proxy's configuration, the status of Ingresses and their Events current. Keys of its queue: `config` replaces the configuration,
// `status` writes load balancer addresses, `events` writes what is wrong with Ingresses. Only the first Ready node does the last two.
import {
  type EndpointSlice,
  type Ingress,
  type IngressClass,
  ingressClasses,
  ingresses,
  type KubeObject,
  type Node,
  objectKey,
  type Pod,
  type Secret,
  type Service,
} from '../../controlplane/api';
import type { Cidr } from '../../controlplane/base/cidr';
import type { Clock } from '../../controlplane/base/clock';
import { describeError, isAlreadyExists } from '../../controlplane/base/errors';
import { markReconcile } from '../../controlplane/base/event-loop';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import type { Informer } from '../../controlplane/client/informer';
import type { LiveObjects } from '../../controlplane/client/live-objects';
import { WorkQueue } from '../../controlplane/client/work-queue';
import type { IngressServer } from '../../dataplane/ingress/server';
import { TroubleReporter } from './events';
import { addressIndex, serviceIndex } from './informers';
import type { Surroundings } from './reach';
import {
  controllerName,
  defaultClassAnnotation,
  ingressesOf,
  planStatus,
  readyNodes,
  secretKeys,
  type Trouble,
  translate,
  type World,
} from './translate';

export interface Deps {
  readonly client: Client;
  readonly server: Pick<IngressServer, 'update'>;
  readonly log: Logger;
  readonly nodeName: string;
  readonly className: string;
  readonly ingresses: Informer<Ingress>;
  readonly classes: Informer<IngressClass>;
  readonly services: Informer<Service>;
  /** With the index `serviceIndex`. */
  readonly slices: Informer<EndpointSlice>;
  /** Read one by one: this identity may read only the Secrets that Ingresses name. */
  readonly secrets: LiveObjects<Secret>;
  readonly clock: Clock;
  readonly nodes: Informer<Node>;
  /** The pods with hostNetwork. */
  readonly hostPods: Informer<Pod>;
  readonly ownAddresses: () => readonly string[];
  readonly refusedRanges: readonly Cidr[];
}

/** The first configuration waits no longer for certificates: without them requests for some hosts fail, without a configuration all do. */
const firstSecretsMs = 5_000;

type Sources = Pick<Deps, 'services' | 'slices' | 'nodes' | 'hostPods' | 'ownAddresses' | 'refusedRanges'>;

/** The cluster as the informers know it at the time of each call. */
export function surroundings({
  services,
  slices,
  nodes,
  hostPods,
  ownAddresses,
  refusedRanges,
}: Sources): Surroundings {
  return {
    nodes: () => nodes.list(),
    ownAddresses,
    refusedRanges,
    hostPods: (address) => hostPods.by(addressIndex, address),
    servicesAt: (address) => services.by(addressIndex, address),
    slices: (key) => slices.by(serviceIndex, key),
  };
}

export class IngressController {
  private logged = '';
  private troubles: readonly Trouble[] = [];
  private readonly reporter: TroubleReporter;
  private readonly clock: Clock;
  private readonly queue: WorkQueue;
  configured = false;

  constructor(private readonly deps: Deps) {
    const { log } = deps;
    this.clock = deps.clock;
    this.reporter = new TroubleReporter(deps.client);
    this.queue = new WorkQueue({
      clock: this.clock,
      onTake: markReconcile('ingress'),
      onRetry: (key, err, delayMs) =>
        log.warn('an update failed and will be retried', { key, error: describeError(err), delayMs }),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { queue } = this;
    this.subscribe(queue);
    await Promise.all(this.informers().map((informer) => informer.synced(signal)));
    queue.add('class');
    queue.add('config');
    queue.add('status');
    for await (const key of queue.keys(signal)) {
      await this.reconcile(key, signal).then(
        () => queue.done(key),
        (err: unknown) => queue.done(key, err),
      );
    }
  }

  private informers(): Informer<KubeObject>[] {
    const { ingresses, classes, services, slices, nodes, hostPods } = this.deps;
    return [ingresses, classes, services, slices, nodes, hostPods] as Informer<KubeObject>[];
  }

  private subscribe(queue: WorkQueue): void {
    const { ingresses, classes, services, slices, secrets, nodes, hostPods } = this.deps;
    for (const source of [ingresses, classes] as Informer<KubeObject>[]) {
      source.onChange(() => {
        queue.add('config');
        queue.add('status');
      });
    }
    for (const source of [services, slices, hostPods] as Informer<KubeObject>[]) {
      source.onChange(() => queue.add('config'));
    }
    secrets.onChange(() => queue.add('config'));
    // A Node changes every few seconds by its heartbeat; only its addresses and ranges matter here.
    let shown = '';
    let claimed = '';
    nodes.onChange(() => {
      const now = JSON.stringify(readyNodes(nodes.list()));
      if (now !== shown) {
        queue.add('status');
        queue.add('events');
      }
      shown = now;
      const claims = JSON.stringify(nodes.list().map(({ spec, status }) => [spec?.podCIDRs, status?.addresses]));
      if (claims !== claimed) queue.add('config');
      claimed = claims;
    });
  }

  private async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (!this.informers().every((informer) => informer.hasSynced)) return;
    if (key === 'config') await this.configure(signal);
    else if (key === 'status') await this.writeStatus(signal);
    else if (key === 'events') await this.writeEvents(signal);
    else await this.ensureClass(signal);
  }

  /** Watches exactly the Secrets that Ingresses name. The first configuration waits for them, at most `firstSecretsMs`. */
  private async followSecrets(signal: AbortSignal): Promise<void> {
    const { clock, ingresses, secrets } = this.deps;
    const known = secrets.use('config', [...new Set(ingresses.list().flatMap(secretKeys))], signal);
    // Rejects only when the signal is aborted. A Secret that arrives later leads to another configuration.
    known.catch(() => {});
    if (!this.configured) await Promise.race([known, clock.sleep(firstSecretsMs, signal)]);
  }

  private async configure(signal: AbortSignal): Promise<void> {
    const { server, log } = this.deps;
    await this.followSecrets(signal);
    const translation = translate(this.world());
    const { conflicts, brokenTls } = server.update(translation);
    this.configured = true;
    const users = new Map<string, Ingress[]>();
    for (const ingress of brokenTls.length === 0 ? [] : ingressesOf(this.world())) {
      for (const secret of new Set(secretKeys(ingress))) {
        const known = users.get(secret);
        if (known) known.push(ingress);
        else users.set(secret, [ingress]);
      }
    }
    this.troubles = [
      ...conflicts.map(({ rule, winner }) => ({
        ingress: rule.ingress,
        reason: 'HostPathConflict',
        message: `host "${rule.host}" path "${rule.path}" is served by Ingress ${winner}, which is older`,
      })),
      ...brokenTls.flatMap(({ secret, reason }) =>
        (users.get(secret) ?? []).map((ingress) => ({
          ingress: objectKey(ingress),
          reason: 'SecretUnusable',
          message: `Secret ${secret} holds no usable certificate: ${reason}`,
        })),
      ),
      ...translation.troubles,
    ];
    this.queue.add('events');
    const text = JSON.stringify(this.troubles);
    if (text !== this.logged)
      for (const { ingress, reason, message } of this.troubles) log.warn(message, { ingress, reason });
    this.logged = text;
  }

  private async writeEvents(signal: AbortSignal): Promise<void> {
    const { nodes, nodeName, ingresses } = this.deps;
    if (readyNodes(nodes.list())[0]?.name !== nodeName) return;
    const afterMs = await this.reporter.report(this.troubles, ingresses.list(), this.clock.now(), signal);
    if (afterMs !== undefined) this.queue.addAfter('events', afterMs);
  }

  private async writeStatus(signal: AbortSignal): Promise<void> {
    const { client, nodes, nodeName } = this.deps;
    const ready = readyNodes(nodes.list());
    if (ready[0]?.name !== nodeName) return;
    const addresses = ready.map(({ ip }) => ({ ip }));
    for (const ingress of planStatus(
      this.world(),
      ready.map(({ ip }) => ip),
    )) {
      const patch = { status: { loadBalancer: { ingress: addresses } } };
      await client.patch(ingresses, objectKey(ingress), 'merge', patch, { subresource: 'status', signal });
    }
  }

  /** The first agent creates the class, as the default class. What an administrator changes of it stays. */
  private async ensureClass(signal: AbortSignal): Promise<void> {
    const { client, classes, className } = this.deps;
    if (classes.get(className)) return;
    const annotations = { [defaultClassAnnotation]: 'true' };
    const object = { metadata: { name: className, annotations }, spec: { controller: controllerName } };
    try {
      await client.create(ingressClasses, object, { signal });
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
    }
  }

  private world(): World {
    const { className, ingresses, classes, services, secrets } = this.deps;
    return {
      ...surroundings(this.deps),
      className,
      ingresses: ingresses.list(),
      classes: classes.list(),
      service: (key) => services.get(key),
      secret: (key) => secrets.get(key),
    };
  }
}
