// The types between `k8ts join` and the requests for credentials.
import type { Logger } from '../../../controlplane/base/logger';

/** What `k8ts token create --print-join-command` printed. */
export interface DiscoverOptions {
  /** Where the API answers: 192.168.56.10:6443, or the same as an https URL. */
  readonly server: string;
  /** ID.SECRET: six and sixteen characters of a-z and 0-9. */
  readonly token: string;
  /** sha256:HEX of the authority's public key (DER SubjectPublicKeyInfo); several joined by commas mean any of them. */
  readonly caHash: string;
  /** The limit for each answer; default 10 seconds. */
  readonly signal?: AbortSignal;
}

export interface Discovery {
  /** The authority of the hash, PEM. */
  readonly caPem: string;
  /** https://192.168.56.10:6443, for the kubeconfigs. */
  readonly server: string;
}

export interface NodeCredentialsRequest {
  /** As from discover(). */
  readonly server: string;
  readonly caPem: string;
  /** What the kubeconfigs name, if it is not `server`: the balancer of the node. */
  readonly kubeconfigServer?: string;
  /** May be '' if the credentials in `dir` are still good. */
  readonly token: string;
  readonly nodeName: string;
  /** The node's address in its kubelet's certificate and its Node object. */
  readonly nodeIp: string;
  /** /etc/k8ts: gets pki/ca.crt, pki/kubelet.{crt,key} and {kubelet,kube-proxy,dns,ingress}.conf. */
  readonly dir: string;
  readonly log: Logger;
}

/**
 * Asks the server for its authority, and accepts it only if the token signed it and its key has the hash.
 * @throws AppError whose message says what is wrong, why, and what to do: BadRequest (malformed token or hash),
 * Unavailable (server not reached), Unauthorized (token unknown or expired, or another authority than the hash)
 */
export type Discover = (options: DiscoverOptions) => Promise<Discovery>;

/**
 * Completes `dir`: creates keys, and requests certificates with the token and then as the node itself. Creates the Node object, so that no
 * other machine gets its name and address. Good files stay. The answer names the written files in order, each with the reason. Repeatable
 * after any failure.
 * @throws AppError whose message says what is wrong, why, and what to do: AlreadyExists (another node has the name or the
 * address), Unauthorized (token), Forbidden (request denied), Unavailable, Timeout (not signed in time)
 */
export type RequestNodeCredentials = (
  request: NodeCredentialsRequest,
  signal: AbortSignal,
) => Promise<readonly string[]>;
