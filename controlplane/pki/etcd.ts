// The certificates of one etcd member and of its client, the API server. Names and content are those of kubeadm, so that its documents and
// etcdctl lines apply. etcd has an authority of its own: a certificate of the cluster's authority, which every node has, must not open
// the store.
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { CertificateRequest, KeyPair } from './certificate';
import { ensureAuthority, ensurePair, readPair } from './pairs';
import type { PkiOptions } from './pki';

export interface EtcdMemberNames {
  /** The name of the member and of its machine: control. */
  readonly name: string;
  /** Addresses at which servers and other members reach it. */
  readonly addresses: readonly string[];
}

const authorityName = 'etcd/ca';
const clientName = 'apiserver-etcd-client';

/** Paths below the directory of the server's keys. */
export const etcdFiles = (dir: string) =>
  ({
    ca: join(dir, 'etcd/ca.crt'),
    serverCert: join(dir, 'etcd/server.crt'),
    serverKey: join(dir, 'etcd/server.key'),
    peerCert: join(dir, 'etcd/peer.crt'),
    peerKey: join(dir, 'etcd/peer.key'),
    clientCert: join(dir, `${clientName}.crt`),
    clientKey: join(dir, `${clientName}.key`),
  }) as const;

/** The API server as a client of etcd. */
export const etcdClient: CertificateRequest = { commonName: 'kube-apiserver-etcd-client', usages: ['client'] };

/** The pairs by file name without extension. */
export function etcdRequests({ name, addresses }: EtcdMemberNames): Readonly<Record<string, CertificateRequest>> {
  const hosts = [name, 'localhost', '127.0.0.1', '::1', ...addresses];
  return {
    // A client too: etcd's own gateway for HTTP connects to the server with this certificate.
    'etcd/server': { commonName: name, usages: ['server', 'client'], hosts },
    // Members connect to each other, so each is both.
    'etcd/peer': { commonName: name, usages: ['server', 'client'], hosts },
    [clientName]: etcdClient,
  };
}

/**
 * Fills `dir` with etcd/ca, etcd/server, etcd/peer and apiserver-etcd-client (.crt and .key). Returns what it wrote and why; nothing when
 * all was good. @throws BadRequest for an authority without a key or with a key that cannot sign
 */
export async function ensureEtcdPki(
  dir: string,
  names: EtcdMemberNames,
  options: PkiOptions = {},
): Promise<readonly string[]> {
  const nowMs = options.nowMs ?? Date.now();
  const written: string[] = [];
  const authority = await ensureAuthority(dir, authorityName, 'etcd-ca', nowMs, written);
  return [...written, ...(await ensurePairs(dir, authority, etcdRequests(names), nowMs))];
}

/**
 * Renews the certificates that are there before they end, with their names; etcd itself reads a new file with the next connection. Nothing
 * where the authority is not on this machine: an administrator who brought the certificates of another etcd renews them.
 */
export async function renewEtcdPki(dir: string, options: PkiOptions = {}): Promise<readonly string[]> {
  const authority = await readPair(dir, authorityName);
  if (!authority) return [];
  const there: Record<string, CertificateRequest> = {};
  for (const name of Object.keys(etcdRequests({ name: '', addresses: [] }))) {
    const pair = await readPair(dir, name);
    const commonName = pair && commonNameOf(pair.cert);
    if (commonName === undefined) continue;
    // Hosts of the present certificate stay without being named.
    there[name] = { ...etcdRequests({ name: commonName, addresses: [] })[name]!, commonName };
  }
  return ensurePairs(dir, authority, there, options.nowMs ?? Date.now());
}

/** Undefined for a text that is no certificate of one name. */
function commonNameOf(pem: string): string | undefined {
  try {
    return /^CN=(.+)$/m.exec(new X509Certificate(pem).subject)?.[1];
  } catch {
    return undefined;
  }
}

async function ensurePairs(
  dir: string,
  authority: KeyPair,
  requests: Readonly<Record<string, CertificateRequest>>,
  nowMs: number,
): Promise<readonly string[]> {
  const written: string[] = [];
  for (const [name, request] of Object.entries(requests)) {
    const reason = await ensurePair(dir, name, authority, request, nowMs);
    if (reason) written.push(`${name}: ${reason}`);
  }
  return written;
}
