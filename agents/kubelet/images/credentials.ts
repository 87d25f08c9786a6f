// Registry credentials from image pull Secrets. Pure.
import type { Secret } from '../../../controlplane/api';
import type { RegistryAuth } from '../runtime/runtime';
import { parseImageName } from './image-name';

interface Entry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** The credentials whose registry fits `image` best: the longest matching path wins. */
export function credentialsFor(image: string, secrets: readonly Secret[]): RegistryAuth | undefined {
  const name = parseImageName(image);
  if (!name) return undefined;
  const wanted = `${name.registry}/${name.repository}`;
  const fitting = secrets
    .flatMap(entriesOf)
    .map(([key, entry]) => ({ key, entry, place: placeOf(key) }))
    .filter(({ place }) => wanted === place || wanted.startsWith(`${place}/`))
    .sort((a, b) => b.place.length - a.place.length)[0];
  if (!fitting) return undefined;
  const { username, password, auth, identitytoken } = fitting.entry;
  const [user, ...rest] = auth ? Buffer.from(auth, 'base64').toString('utf8').split(':') : [];
  return {
    username: username ?? user,
    password: password ?? (auth ? rest.join(':') : undefined),
    identityToken: identitytoken,
    serverAddress: fitting.key,
  };
}

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
