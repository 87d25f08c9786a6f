// Options of `k8ts server` for its store.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadRequest } from '../base/errors';
import { type OptionTable, type Parsed, parseDuration, parseText } from '../process/options';
import type { Endpoint, EtcdTls } from '../store/etcd/connection';
import type { StoreSpec } from '../store/open';

/** What --store names. */
export type StoreChoice =
  | { readonly kind: 'sqlite' | 'memory' }
  | { readonly kind: 'etcd'; readonly endpoints: readonly Endpoint[] };

const etcdPort = 2379;

/** @throws BadRequest */
export function parseStore(text: string): StoreChoice {
  if (text === 'sqlite' || text === 'memory') return { kind: text };
  if (!text.startsWith('etcd://')) throw new BadRequest('expected sqlite, memory or etcd://HOST:PORT[,HOST:PORT...]');
  const endpoints = text.slice('etcd://'.length).replace(/\/$/, '').split(',').map(parseEndpoint);
  return { kind: 'etcd', endpoints };
}

function parseEndpoint(text: string): Endpoint {
  const url = URL.canParse(`tcp://${text}`) ? new URL(`tcp://${text}`) : undefined;
  if (!url?.hostname || url.username !== '' || url.pathname !== '' || url.search !== '' || url.hash !== '') {
    throw new BadRequest(`"${text}" is no HOST:PORT of an etcd member; expected etcd://HOST:PORT[,HOST:PORT...]`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? etcdPort : Number(url.port) };
}

export const storeOptions = {
  store: {
    flag: 'store',
    placeholder: 'STORE',
    default: 'sqlite',
    help: 'sqlite on disk; memory, which is lost when the process ends; or etcd://HOST:PORT[,HOST:PORT...], the members of an etcd cluster',
    parse: parseStore,
  },
  etcdCaFile: {
    flag: 'etcd-cafile',
    placeholder: 'FILE',
    default: '',
    help: 'certificates that sign those of etcd; absent: plain text, only to members on loopback',
    parse: parseText,
  },
  etcdCertFile: {
    flag: 'etcd-certfile',
    placeholder: 'FILE',
    default: '',
    help: 'client certificate for etcd',
    parse: parseText,
  },
  etcdKeyFile: {
    flag: 'etcd-keyfile',
    placeholder: 'FILE',
    default: '',
    help: 'key of the client certificate for etcd',
    parse: parseText,
  },
  etcdCompactionInterval: {
    flag: 'etcd-compaction-interval',
    placeholder: 'DURATION',
    default: '5m',
    help: 'how long any store keeps history for watches and lists of old revisions: at least the newest 1,000 revisions (in proportion below 1m), at most 100,000; 0: by count alone',
    parse: parseDuration,
  },
} satisfies OptionTable;
export type StoreOptions = Parsed<typeof storeOptions>;

/** @throws BadRequest for options that do not fit together, and for files that cannot be read */
export async function readStoreSpec(
  { store, etcdCaFile, etcdCertFile, etcdKeyFile }: Omit<StoreOptions, 'etcdCompactionInterval'>,
  file: { readonly dataDir: string; readonly erases: boolean },
): Promise<StoreSpec> {
  const given = [etcdCaFile, etcdCertFile, etcdKeyFile].some((path) => path !== '');
  if (store.kind !== 'etcd') {
    if (given) throw new BadRequest('--etcd-cafile, --etcd-certfile and --etcd-keyfile need --store etcd://...');
    return store.kind === 'memory'
      ? { kind: 'memory' }
      : { kind: 'sqlite', path: join(file.dataDir, 'state.db'), erases: file.erases };
  }
  const tls = await readTls(etcdCaFile, etcdCertFile, etcdKeyFile);
  const remote = store.endpoints.find(({ host }) => !isLoopback(host));
  if (!tls && remote) {
    throw new BadRequest(`--store names ${remote.host}: members that are not on loopback need TLS; give --etcd-cafile`);
  }
  return { kind: 'etcd', endpoints: store.endpoints, ...(tls ? { tls } : {}) };
}

async function readTls(ca: string, cert: string, key: string): Promise<EtcdTls | undefined> {
  if ((cert === '') !== (key === '')) throw new BadRequest('--etcd-certfile and --etcd-keyfile belong together');
  if (ca === '') {
    if (cert !== '') throw new BadRequest('--etcd-certfile needs --etcd-cafile');
    return undefined;
  }
  const client = cert === '' ? {} : { cert: await read('etcd-certfile', cert), key: await read('etcd-keyfile', key) };
  return { ca: await read('etcd-cafile', ca), ...client };
}

async function read(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new BadRequest(`--${flag}: cannot read ${path}`, { cause });
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);
