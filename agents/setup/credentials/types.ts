// What joining a cluster needs and gives: the shapes that `k8ts join` and the credentials behind it agree on.
import type { Logger } from '../../../controlplane/base/logger';

/** What `k8ts token create --print-join-command` printed. */
export interface DiscoverOptions {
  /** Where the API answers: 192.168.56.10:6443, or the same as an https URL. */
  readonly server: string;
  /** ID.SECRET: six and sixteen characters of a-z and 0-9. */
  readonly token: string;
  /** sha256:HEX of the authority's public key (DER SubjectPublicKeyInfo); several joined by commas mean any of them. */
  readonly caHash: string;
  /** Ends an attempt that hangs; default 10 seconds for each answer. */
  readonly signal?: AbortSignal;
}

export interface Discovery {
  /** The authority the hash stands for, PEM. */
  readonly caPem: string;
  /** https://192.168.56.10:6443, as the kubeconfigs are to name it. */
  readonly server: string;
}

export interface NodeCredentialsRequest {
  /** As from discover(). */
  readonly server: string;
  readonly caPem: string;
  /** May be '' when `dir` holds credentials that are still good. */
  readonly token: string;
  readonly nodeName: string;
  /** The node's own address: what its kubelet's certificate and its Node object say. */
  readonly nodeIp: string;
  /** /etc/k8ts: gets pki/ca.crt, pki/kubelet.{crt,key} and {kubelet,kube-proxy,dns,ingress}.conf. */
  readonly dir: string;
  readonly log: Logger;
}

/**
 * Asks the server for its authority and believes it only when the token signed it and its key has the hash.
 * @throws AppError whose message says what is wrong, why, and what to do: BadRequest (malformed token or hash),
 * Unavailable (server not reached), Unauthorized (token unknown or expired, or another authority than the hash)
 */
export type Discover = (options: DiscoverOptions) => Promise<Discovery>;

/**
 * Makes `dir` complete: keys made here, certificates asked for with the token and then as the node itself. Registers the
 * Node object, so that name and address are taken from now on. Good files are left alone; the answer names those written,
 * each with the reason, in order. Repeatable after any failure.
 * @throws AppError whose message says what is wrong, why, and what to do: AlreadyExists (another node has the name or the
 * address), Unauthorized (token), Forbidden (request denied), Unavailable, Timeout (nobody signed)
 */
export type RequestNodeCredentials = (
  request: NodeCredentialsRequest,
  signal: AbortSignal,
) => Promise<readonly string[]>;
