// The first text that a joining machine reads: the ConfigMap kube-public/cluster-info, a kubeconfig with only server and authority,
// signed with each bootstrap token (JWS, HS256, detached: RFC 7515, appendix F), and the hash that pins the authority's key.
// Pure. Sources: "Authenticating with Bootstrap Tokens" and kubeadm's discovery in the reference.
import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { BadRequest } from '../base/errors';

export const clusterInfoName = 'cluster-info';
export const clusterInfoNamespace = 'kube-public';
/** Keys of its data. */
export const kubeconfigKey = 'kubeconfig';
export const signatureKeyPrefix = 'jws-kubeconfig-';

export interface ClusterInfo {
  /** https://192.168.56.10:6443 */
  readonly server: string;
  /** PEM */
  readonly caPem: string;
}

export function renderClusterInfo({ server, caPem }: ClusterInfo): string {
  const data = Buffer.from(caPem).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: '', cluster: { 'certificate-authority-data': data, server } }],
    contexts: null,
    users: null,
    'current-context': '',
    preferences: {},
  });
}

/** @throws BadRequest when it names no server or no authority */
export function readClusterInfo(text: string): ClusterInfo {
  try {
    const file = parse(text) as { clusters: { cluster: Record<string, string> }[] };
    const cluster = file.clusters[0]!.cluster;
    const caPem = Buffer.from(cluster['certificate-authority-data']!, 'base64').toString();
    new X509Certificate(caPem);
    return { server: cluster['server']!, caPem };
  } catch (cause) {
    throw new BadRequest('cluster-info has no kubeconfig with a server and a CA', { cause });
  }
}

/** HEADER..SIGNATURE: the signed content is the kubeconfig in the same ConfigMap. */
export function signClusterInfo(kubeconfig: string, id: string, secret: string): string {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: id }));
  return `${header}..${mac(header, kubeconfig, secret).toString('base64url')}`;
}

/** True when the holder of the token's secret has signed exactly this text. */
export function isSignedWith(kubeconfig: string, signature: string, id: string, secret: string): boolean {
  const [header = '', content, value = '', ...rest] = signature.split('.');
  if (content !== '' || rest.length > 0) return false;
  let fields: { alg?: unknown; kid?: unknown };
  try {
    fields = JSON.parse(Buffer.from(header, 'base64url').toString()) as typeof fields;
  } catch {
    return false;
  }
  if (fields.alg !== 'HS256' || fields.kid !== id) return false;
  const wanted = mac(header, kubeconfig, secret);
  const given = Buffer.from(value, 'base64url');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const mac = (header: string, content: string, secret: string): Buffer =>
  createHmac('sha256', secret)
    .update(`${header}.${base64url(content)}`)
    .digest();

/** sha256:HEX over the DER SubjectPublicKeyInfo of the first certificate, as kubeadm prints it. */
export function pinOf(caPem: string): string {
  const key = new X509Certificate(caPem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
