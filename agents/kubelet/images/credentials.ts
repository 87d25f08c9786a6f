// Registry credentials from image pull Secrets. Pure.
import { createHash } from 'node:crypto';
import type { Secret } from '../../../controlplane/api';
import type { RegistryAuth } from '../runtime/runtime';
import { parseImageName } from './image-name';

interface Entry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** The Secret that credentials come from, and what they were: a Secret may change. */
export interface CredentialSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** SHA-256 of the credentials. */
  readonly hash: string;
}

export interface PullCredentials {
  readonly auth: RegistryAuth;
  readonly source: CredentialSource;
}

/**
 * The credentials whose place fits `image`, the longest place first; then in the order of the Secrets. A pull tries one after another,
 * as upstream: several Secrets may name the same registry. Secrets that repeat the same credentials all stay in the list, because
 * each of them counts as a proof of access.
 */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly PullCredentials[] {
  const name = parseImageName(image);
  if (!name) return [];
  return secrets
    .flatMap((secret) => entriesOf(secret).map(([key, entry]) => ({ secret, key, entry, place: placeOf(key) })))
    .filter(({ place, entry }) => typeof entry === 'object' && entry !== null && matches(place, name))
    .sort((a, b) => b.place.length - a.place.length)
    .map(({ secret, key, entry }) => {
      const auth = authOf(key, entry);
      const { uid = '', namespace = '', name = '' } = secret.metadata ?? {};
      return { auth, source: { uid, namespace, name, hash: hashOf(auth) } };
    });
}

function authOf(serverAddress: string, { username, password, auth, identitytoken }: Entry): RegistryAuth {
  const [user, ...rest] = auth ? Buffer.from(auth, 'base64').toString('utf8').split(':') : [];
  return {
    username: username ?? user,
    password: password ?? (auth ? rest.join(':') : undefined),
    identityToken: identitytoken,
    serverAddress,
  };
}

const hashOf = ({ username, password, identityToken }: RegistryAuth): string =>
  createHash('sha256')
    .update(JSON.stringify([username ?? '', password ?? '', identityToken ?? '']))
    .digest('hex');

function entriesOf({ type, data }: Secret): Array<[string, Entry]> {
  const modern = type === 'kubernetes.io/dockerconfigjson';
  const base64 = data?.[modern ? '.dockerconfigjson' : '.dockercfg'];
  if (!base64) return [];
  try {
    const parsed = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as Record<string, unknown>;
    return Object.entries((modern ? parsed['auths'] : parsed) ?? {}) as Array<[string, Entry]>;
  } catch {
    // Validation refuses such a Secret. If it was stored anyway, it names no registry.
    return [];
  }
}

function placeOf(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  return plain === 'index.docker.io' || plain === 'registry-1.docker.io' ? 'docker.io' : plain;
}

/**
 * A place is a host, a port if the image has one, and perhaps the beginning of a path. Each label of the host may have `*` and `?`
 * (https://kubernetes.io/docs/concepts/containers/images/#config-json).
 */
function matches(place: string, { registry, repository }: { registry: string; repository: string }): boolean {
  const slash = place.indexOf('/');
  const path = slash < 0 ? '' : place.slice(slash + 1);
  const labels = (slash < 0 ? place : place.slice(0, slash)).split('.');
  const wanted = registry.split('.');
  return (
    repository.startsWith(path) &&
    labels.length === wanted.length &&
    labels.every((label, i) => labelMatches(label, wanted[i]!))
  );
}

/** `*` is any part of a label but its port. The pattern is walked once with one step back, so no pattern takes long. */
function labelMatches(pattern: string, label: string): boolean {
  const [glob, globPort] = withoutPort(pattern);
  const [text, port] = withoutPort(label);
  if (globPort !== port) return false;
  let [at, in_, star, from] = [0, 0, -1, 0];
  while (in_ < text.length) {
    if (glob[at] === '*') [star, from] = [at++, in_];
    else if (at < glob.length && (glob[at] === '?' || glob[at] === text[in_])) [at, in_] = [at + 1, in_ + 1];
    else if (star >= 0) [at, in_] = [star + 1, ++from];
    else return false;
  }
  return /^\**$/.test(glob.slice(at));
}

/** The last label of a host may have a port; an IPv6 address has colons of its own. */
function withoutPort(label: string): [string, string] {
  const port = /:\d+$/.exec(label.replace(/^\[.*\]/, (address) => '-'.repeat(address.length)))?.[0] ?? '';
  return [label.slice(0, label.length - port.length), port];
}
