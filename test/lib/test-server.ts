// An API server in this process for integration tests, on a memory store or a shared store: real requests; only its keys are files.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, KindCatalog, storedKinds } from '../../controlplane/api/catalog';
import { registry } from '../../controlplane/api/registry';
import { loadSchemas } from '../../controlplane/api/schema/load';
import { virtualResources } from '../../controlplane/api/virtual';
import { ApiServer } from '../../controlplane/apiserver/api-server';
import type { Cache } from '../../controlplane/apiserver/cache/cache';
import { openCache } from '../../controlplane/apiserver/cache/open';
import { ServedKinds } from '../../controlplane/apiserver/served-kinds';
import { systemClock } from '../../controlplane/base/clock';
import { type Logger, silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { Client } from '../../controlplane/client/client';
import { createClient } from '../../controlplane/client/rest-client';
import { ensurePki } from '../../controlplane/pki/pki';
import { readKeys } from '../../controlplane/server/keys';
import { openStore } from '../../controlplane/store/open';
import type { Store } from '../../controlplane/store/store';

export interface TestServer {
  /** A client as this user, with further groups, inside the process; a member of system:masters by default. */
  client(user?: string, ...groups: readonly string[]): Client;
  readonly port: number;
  readonly pkiDir: string;
  readonly catalog: Catalog;
  readonly cache: Cache;
  /** Changes the kinds that the server serves. */
  readonly kinds: ServedKinds;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly log?: Logger;
  /** A comma joins ranges of both families. */
  readonly serviceCidr?: string;
  /** The random numbers with which the server chooses addresses and ports. */
  readonly random?: () => number;
  /** A store that other servers share; it stays open. Default: a memory store of its own. */
  readonly store?: Store;
}

export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { log = silentLogger, serviceCidr = '10.96.0.0/12' } = options;
  const scope = new Scope();
  const pkiDir = await mkdtemp(join(tmpdir(), 'k8ts-test-pki-'));
  scope.defer(() => rm(pkiDir, { recursive: true }));
  const names = { advertiseAddress: '192.0.2.1', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };
  await ensurePki(pkiDir, { ...names, extraHosts: [] });
  const store = options.store ?? (await openStore({ kind: 'memory' }, { log }));
  if (!options.store) scope.defer(() => store.close());
  const catalog = new KindCatalog([...registry, ...virtualResources]);
  const cache = await openCache(store, storedKinds(catalog), { log });
  scope.defer(() => cache.close());
  const kinds = new ServedKinds(catalog, cache);
  const api = new ApiServer(
    {
      bindAddress: '127.0.0.1',
      port: 0,
      advertiseAddress: '192.0.2.1',
      serviceCidr,
      clusterDomain: 'cluster.local',
      keys: await readKeys(pkiDir),
    },
    {
      catalog,
      schemas: loadSchemas(),
      cache,
      kinds,
      clock: systemClock,
      log,
      ...(options.random ? { random: options.random } : {}),
    },
  );
  scope.defer(() => api.close());
  const port = await api.open();
  return {
    port,
    pkiDir,
    catalog: api.kinds(),
    cache,
    kinds,
    client: (name, ...further) => {
      const groups = [...(name === undefined ? ['system:masters'] : further), 'system:authenticated'];
      return createClient(api.transport({ name: name ?? 'test-admin', groups }), { userAgent: name ?? 'test' });
    },
    close: () => scope.close(),
  };
}
