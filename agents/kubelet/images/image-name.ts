// Image references: their form, their default pull policy, the registry that they name. Pure.
// Source: the distribution project's reference grammar.
import type { ImageRecord } from '../runtime/runtime';

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const host =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F:]+\\])(?::\\d+)?';
const reference = new RegExp(
  `^(?:(${host})/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@([a-z0-9]+:[0-9a-f]{32,}))?$`,
);

export interface ImageName {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Undefined when `text` is not an image reference. */
export function parseImageName(text: string): ImageName | undefined {
  const match = reference.exec(text);
  if (!match) return undefined;
  let [, registry, repository = '', tag, digest] = match;
  // The first component is a host only when it looks like one.
  if (registry && !/[.:]/.test(registry) && registry !== 'localhost') {
    if (/[A-Z]/.test(registry)) return undefined;
    repository = `${registry}/${repository}`;
    registry = undefined;
  }
  return { registry: registry ?? 'docker.io', repository, ...(tag ? { tag } : {}), ...(digest ? { digest } : {}) };
}

/** The reference with the tag that Docker assumes: x is x:latest. */
export function withDefaultTag(text: string): string {
  const name = parseImageName(text);
  return name && !name.tag && !name.digest ? `${text}:latest` : text;
}

/** The names under which Docker may list the image: it leaves out its own registry, and that registry's folder `library`. */
export function localNames(text: string): readonly string[] {
  const full = withDefaultTag(text);
  return [...new Set([text, full, full.replace(/^docker\.io\/(library\/)?/, '').replace(/^library\//, '')])];
}

export function defaultPullPolicy(text: string): 'Always' | 'IfNotPresent' {
  const name = parseImageName(text);
  return name && !name.digest && (name.tag ?? 'latest') === 'latest' ? 'Always' : 'IfNotPresent';
}

/** imageID of a container status: the image's digest in a registry, else the local ID. */
export function imageRef(image: Pick<ImageRecord, 'id' | 'digests'>): string {
  return image.digests[0] ? `docker-pullable://${image.digests[0]}` : `docker://${image.id}`;
}
