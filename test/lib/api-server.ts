// An API server in this process over a memory store, reached by real HTTPS, with certificates created for it.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KindCatalog, storedKinds } from '../../controlplane/api/catalog';
import { registry } from '../../controlplane/api/registry';
import { loadSchemas } from '../../controlplane/api/schema/load';
import { virtualResources } from '../../controlplane/api/virtual';
import type { AuthenticationOptions, AuthorizationOptions, IssuerOptions } from '../../controlplane/apiserver/access';
import type { PodSecurityConfig } from '../../controlplane/apiserver/admission/pod-security/config';
import { ApiServer } from '../../controlplane/apiserver/api-server';
import type { AuditOptions } from '../../controlplane/apiserver/audit/open';
import type { FrontProxyConfig } from '../../controlplane/apiserver/authn/front-proxy';
import type { TokenWebhookConfig } from '../../controlplane/apiserver/authn/token-webhook';
import { type OpenCache, openCache } from '../../controlplane/apiserver/cache/open';
import type { RingBounds } from '../../controlplane/apiserver/cache/replay-ring';
import type { LimitOptions } from '../../controlplane/apiserver/flowcontrol/options';
import type { PublicPages } from '../../controlplane/apiserver/http/public-pages';
import type { FindPath } from '../../controlplane/apiserver/packet-path/path-finder';
import { ServedKinds } from '../../controlplane/apiserver/served-kinds';
import type { ResourceServer } from '../../controlplane/apiserver/servers/server';
import type { Address } from '../../controlplane/apiserver/webhooks/service-address';
import type { OpenRule } from '../../controlplane/apiserver/write/rule';
import { type Clock, systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { KeyPair } from '../../controlplane/pki/certificate';
import { issueCertificate } from '../../controlplane/pki/issue';
import { ensurePki, readAuthority } from '../../controlplane/pki/pki';
import { readKeys } from '../../controlplane/server/keys';
import { openStore } from '../../controlplane/store/open';
import type { Store } from '../../controlplane/store/store';

export interface CallOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The client's certificate; null: none (anonymous). Default: the admin's. */
  readonly as?: KeyPair | null;
  /** The client leaves. */
  readonly signal?: AbortSignal;
}
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly json: any;
}
export interface WatchLines {
  /** Resolves with the next event; with its bytes when the watch is answered in protobuf. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  next(): Promise<any>;
  /** Resolves when the server has ended the answer. */
  readonly ended: Promise<void>;
  close(): void;
}

export interface TestServer {
  readonly api: ApiServer;
  readonly cache: OpenCache;
  /** Changes the kinds that the server serves. */
  readonly kinds: ServedKinds;
  readonly port: number;
  readonly ca: string;
  readonly pkiDir: string;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<WatchLines>;
  identity(commonName: string, ...organizations: string[]): Promise<KeyPair>;
  /** Issues a serving certificate for this address, like a kubelet's. */
  serving(address: string): Promise<KeyPair>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** The caller closes it; default: a store in memory. */
  readonly store?: Store;
  readonly clock?: Clock;
  /** Default: 10.9.8.7. */
  readonly advertiseAddress?: string;
  /** Keys and certificates, which servers of one cluster share; default: new ones. */
  readonly pkiDir?: string;
  readonly tokenFile?: string;
  readonly frontProxy?: FrontProxyConfig;
  readonly issuer?: IssuerOptions;
  readonly tokenWebhook?: TokenWebhookConfig;
  readonly authentication?: AuthenticationOptions;
  readonly authorization?: AuthorizationOptions;
  readonly audit?: AuditOptions;
  /** How much history watches can resume from. */
  readonly ring?: RingBounds;
  readonly podSecurity?: PodSecurityConfig;
  readonly allowServiceExternalIps?: boolean;
  readonly ownersFromCreate?: boolean;
  /** Default: 10.96.0.0/12. */
  readonly serviceCidr?: string;
  /** The admission rules of every write; default: the product's. */
  readonly rules?: readonly OpenRule[];
  /** How many requests run at once; default: the product's. */
  readonly limits?: LimitOptions;
  /** Where addresses of pods are reached; default: at the addresses. */
  readonly routeToPods?: (address: Address) => Address;
  /** Further parts of the API; default: none. */
  readonly servers?: readonly ResourceServer[];
  /** Users may log in to the console; default: false. */
  readonly console?: boolean;
  /** Files for everyone; default: none. */
  readonly pages?: PublicPages;
  /** Answers packetpaths; default: they are not served. */
  readonly findPath?: FindPath;
}

export async function startApiServer(options: TestServerOptions = {}): Promise<TestServer> {
  const scope = new Scope();
  const dir = options.pkiDir ?? (await mkdtemp(join(tmpdir(), 'k8ts-api-')));
  if (options.pkiDir === undefined) scope.defer(() => rm(dir, { recursive: true }));
  const { advertiseAddress = '10.9.8.7' } = options;
  const names = { advertiseAddress, serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };
  await ensurePki(dir, names);
  const authority = (await readAuthority(dir))!;
  const clock = options.clock ?? systemClock;
  const store = options.store ?? (await openStore({ kind: 'memory' }));
  if (!options.store) scope.defer(() => store.close());
  const catalog = new KindCatalog([...registry, ...virtualResources]);
  const cache = await openCache(store, storedKinds(catalog), options.ring ? { ring: options.ring } : {});
  scope.defer(() => cache.close());
  const kinds = new ServedKinds(catalog, cache);
  const api = new ApiServer(
    {
      bindAddress: '127.0.0.1',
      port: 0,
      advertiseAddress: names.advertiseAddress,
      serviceCidr: options.serviceCidr ?? '10.96.0.0/12',
      clusterDomain: names.clusterDomain,
      keys: await readKeys(dir),
      ...(options.tokenFile === undefined ? {} : { tokenFile: options.tokenFile }),
      ...(options.frontProxy ? { frontProxy: options.frontProxy } : {}),
      ...(options.issuer ? { issuer: options.issuer } : {}),
      ...(options.tokenWebhook ? { tokenWebhook: options.tokenWebhook } : {}),
      ...(options.authentication ? { authentication: options.authentication } : {}),
      ...(options.authorization ? { authorization: options.authorization } : {}),
      ...(options.audit ? { audit: options.audit } : {}),
      console: options.console ?? false,
      ...(options.podSecurity ? { podSecurity: options.podSecurity } : {}),
      ...(options.limits ? { limits: options.limits } : {}),
      allowServiceExternalIps: options.allowServiceExternalIps ?? false,
      ownersFromCreate: options.ownersFromCreate ?? true,
    },
    {
      catalog,
      schemas: loadSchemas(),
      cache,
      writeProblem: () => store.problem?.(),
      kinds,
      clock,
      log: silentLogger,
      ...(options.rules ? { rules: options.rules } : {}),
      ...(options.servers ? { servers: options.servers } : {}),
      ...(options.pages ? { pages: options.pages } : {}),
      ...(options.findPath ? { findPath: options.findPath } : {}),
      ...(options.routeToPods ? { routeToPods: options.routeToPods } : {}),
    },
  );
  scope.defer(() => api.close());
  const port = await api.open();
  const identity = (commonName: string, ...organizations: string[]) =>
    issueCertificate(authority, { commonName, organizations, usages: ['client'] }, Date.now());
  const admin = await identity('kubernetes-admin', 'system:masters');
  const agents = new Map<string, Agent>();
  scope.defer(() => {
    for (const agent of agents.values()) agent.destroy();
  });
  const agentFor = (pair: KeyPair | null): Agent => {
    const key = pair ? createHash('sha1').update(pair.cert).digest('hex') : '';
    let agent = agents.get(key);
    if (!agent) {
      agent = new Agent({ ca: authority.cert, keepAlive: true, ...(pair ? { cert: pair.cert, key: pair.key } : {}) });
      agents.set(key, agent);
    }
    return agent;
  };
  return {
    api,
    cache,
    kinds,
    port,
    ca: authority.cert,
    pkiDir: dir,
    identity,
    serving: (address) =>
      issueCertificate(authority, { commonName: address, hosts: [address], usages: ['server'] }, Date.now()),
    close: () => scope.close(),
    call(method, path, { body, type, headers = {}, as = admin, signal } = {}) {
      return new Promise((resolve, reject) => {
        const data =
          body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
        const request = httpsRequest({
          host: '127.0.0.1',
          port,
          path,
          method,
          agent: agentFor(as),
          ...(signal ? { signal } : {}),
          headers: {
            ...(data === undefined
              ? {}
              : { 'content-type': type ?? 'application/json', 'content-length': Buffer.byteLength(data) }),
            ...headers,
          },
        });
        request.on('error', reject);
        request.on('response', async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString();
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            bytes,
            json: isJson && text !== '' ? JSON.parse(text) : undefined,
          });
        });
        request.end(data);
      });
    },
    watch(path, headers = {}) {
      return new Promise((resolve, reject) => {
        const request = httpsRequest({ host: '127.0.0.1', port, path, agent: agentFor(admin), headers });
        request.on('error', reject);
        request.on('response', (response) => {
          const split = response.headers['content-type']?.includes('protobuf') ? splitFrames : splitLines;
          resolve(readEvents(response, split, () => request.destroy()));
        });
        request.end();
      });
    },
  };
}

/** The complete events at the beginning of the bytes, and the rest. */
type Split = (bytes: Buffer) => { readonly events: readonly unknown[]; readonly rest: Buffer };

const splitLines: Split = (bytes) => {
  const end = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  return { events: lines.map((line): unknown => JSON.parse(line)), rest: bytes.subarray(end) };
};

const splitFrames: Split = (bytes) => {
  const events: Buffer[] = [];
  let rest = bytes;
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
    const end = 4 + rest.readUInt32BE();
    events.push(rest.subarray(4, end));
    rest = rest.subarray(end);
  }
  return { events, rest };
};

function readEvents(response: AsyncIterable<Buffer>, split: Split, close: () => void): WatchLines {
  const ready: unknown[] = [];
  const waiting: Array<(event: unknown) => void> = [];
  const ended = (async () => {
    let unread: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of response) {
        const { events, rest } = split(Buffer.concat([unread, chunk]));
        unread = rest;
        for (const event of events) {
          const waiter = waiting.shift();
          if (waiter) waiter(event);
          else ready.push(event);
        }
      }
    } catch {
      // The test closed its own side.
    }
  })();
  return {
    ended,
    close,
    next: () => (ready.length > 0 ? Promise.resolve(ready.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
}
