// Puts the parts of the aggregator together: the server of remote group versions, their discovery, their conditions, and the
// registration of this server's own.
import { apiServiceName } from '../../api/api-service';
import type { Catalog } from '../../api/catalog';
import { JoinedCatalog } from '../../api/joined-catalog';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import type { Authorizer } from '../authz/authorizer';
import type { Cache } from '../cache/cache';
import type { RemoteOpenApi } from '../openapi-paths';
import { groupVersionOf } from '../servers/request-info';
import { pathNotFound } from '../status';
import { Aggregator } from './aggregator';
import { AvailabilityLoop } from './availability-loop';
import { keepRegistrations } from './keep-registrations';
import { AggregatorMetrics } from './metrics';
import type { ProxyKeys } from './remote';
import { RemoteDiscovery } from './remote-discovery';
import { readDocument } from './remote-openapi';

export interface AggregationDeps {
  readonly catalog: Catalog;
  readonly cache: Cache;
  readonly authorizer: Authorizer;
  readonly keys: ProxyKeys;
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class Aggregation {
  readonly server: Aggregator;
  readonly discovery: RemoteDiscovery;
  readonly metrics = new AggregatorMetrics();
  /** The kinds of this server, and the resources of aggregated servers that can be deleted with their namespace or owner. */
  readonly kinds: Catalog;

  constructor(private readonly deps: AggregationDeps) {
    this.server = new Aggregator(deps);
    this.discovery = new RemoteDiscovery({ ...deps, aggregator: this.server });
    this.kinds = new JoinedCatalog(deps.catalog, this.discovery.kinds);
  }

  /** Resolves when all APIServices are known. */
  open(): Promise<void> {
    return this.server.open();
  }

  /** `client` acts as a member of system:masters. Resolves when this server's own group versions are registered. */
  async start(client: Client): Promise<void> {
    await keepRegistrations({ ...this.deps, client });
    this.discovery.start();
    new AvailabilityLoop({ ...this.deps, client, aggregator: this.server, metrics: this.metrics }).start();
  }

  /** The OpenAPI v3 documents of the other servers. */
  openapi(): RemoteOpenApi {
    const nameOf = (path: string) => apiServiceName(groupVersionOf(`/${path}`) ?? {});
    return {
      entries: () =>
        Object.fromEntries(
          this.discovery.versions().flatMap(({ group, version, openapi }) => {
            const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
            return openapi === undefined ? [] : [[path, openapi]];
          }),
        ),
      document: async (path, search) => {
        const remote = this.server.all().get(nameOf(path))?.remote;
        if (!remote) throw pathNotFound();
        return readDocument(remote, path, search);
      },
    };
  }

  renew(keys: ProxyKeys): void {
    this.server.renew(keys);
  }
}
