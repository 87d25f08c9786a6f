// Options of `k8ts server` for its store.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
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
  const files = { ca: etcdCaFile, cert: etcdCertFile, key: etcdKeyFile };
  const { endpoints } = store;
  if (needsTls(files)) return { kind: 'etcd', endpoints, tls: await readTls(files), readTls: () => readTls(files) };
  const remote = endpoints.find(({ host }) => !isLoopback(host));
  if (remote) {
    throw new BadRequest(`--store names ${remote.host}: members that are not on loopback need TLS; give --etcd-cafile`);
  }
  return { kind: 'etcd', endpoints };
}

/** Paths; '' for one that is not given. */
interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

function needsTls({ ca, cert, key }: TlsFiles): boolean {
  if ((cert === '') !== (key === '')) throw new BadRequest('--etcd-certfile and --etcd-keyfile belong together');
  if (ca === '' && cert !== '') throw new BadRequest('--etcd-certfile needs --etcd-cafile');
  return ca !== '';
}

/** @throws BadRequest for files that cannot be read, are not PEM, or do not belong together */
async function readTls(files: TlsFiles): Promise<EtcdTls> {
  const ca = await read('etcd-cafile', files.ca);
  certificateIn('etcd-cafile', files.ca, ca);
  if (files.cert === '') return { ca };
  const cert = await read('etcd-certfile', files.cert);
  const key = await read('etcd-keyfile', files.key);
  const own = certificateIn('etcd-certfile', files.cert, cert);
  if (!own.checkPrivateKey(keyIn('etcd-keyfile', files.key, key))) {
    throw new BadRequest(`--etcd-keyfile: ${files.key} is not the key of the certificate in ${files.cert}`);
  }
  return { ca, cert, key };
}

/** The first certificate in the file. @throws BadRequest */
function certificateIn(flag: string, path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new BadRequest(`--${flag}: ${path} holds no certificate in PEM form`, { cause });
  }
}

function keyIn(flag: string, path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new BadRequest(`--${flag}: ${path} holds no private key in PEM form without a password`, { cause });
  }
}

async function read(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new BadRequest(`--${flag}: cannot read ${path}`, { cause });
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);
