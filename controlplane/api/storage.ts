// Kinds that serve the objects of another kind in their own form: a further version, or the same objects under another group. The
// objects are stored once.
import type { Kind } from './kind';
import type { KubeObject } from './types';

/**
 * Converts between such a kind and the stored kind. Neither function changes its argument; the result may share parts with it, and
 * the caller sets its apiVersion and kind. A round trip must lose nothing. Absent fields must stay absent: an apply converts a
 * configuration with only a few fields.
 */
export interface StoredAs<T extends KubeObject = KubeObject> {
  /** The kind whose form is stored. It has no `storage` itself. */
  readonly kind: Kind;
  toStored(object: T): KubeObject;
  fromStored(object: KubeObject): T;
}

/**
 * A version of a custom kind with several versions. Each object stays in the version in which it was written to the store, and is
 * converted from there to the version of a request at once.
 */
export interface VersionOf {
  /** The kind of the stored objects (`mixedVersions`), in whose version new ones are stored. It is not served. */
  readonly kind: Kind;
  readonly versions: Versions;
}

/** The versions of one custom kind. */
export interface Versions {
  /** The kind of a version, served or not. */
  byApiVersion(apiVersion: string): Kind | undefined;
  /**
   * The objects in the version of `to`, in the same order. All of them have one apiVersion, another than that of `to`. They are not
   * changed; the results may share parts with them. A promise when a program outside converts them.
   * @throws AppError when they cannot be converted
   */
  convert(objects: readonly KubeObject[], to: Kind): readonly KubeObject[] | Promise<readonly KubeObject[]>;
}

export const isVersionOf = (storage: StoredAs | VersionOf | undefined): storage is VersionOf =>
  storage !== undefined && 'versions' in storage;

/** The kind in whose form objects of `kind` are stored: most kinds store their own. */
export const storageKind = (kind: Kind): Kind => kind.options.storage?.kind ?? kind;

/** True for the version in which new objects are stored. */
export const isStorageVersion = (kind: Kind): boolean => kind.apiVersion === storageKind(kind).apiVersion;

/** The versions of a custom kind with several ones. */
export function versionsOf({ options: { storage } }: Kind): Versions | undefined {
  return isVersionOf(storage) ? storage.versions : undefined;
}

/** The object in its stored form: the object itself if the kind stores its own form. Not for versions of custom kinds. */
export function toStored(kind: Kind, object: KubeObject): KubeObject {
  const { storage } = kind.options;
  return storage ? named(storage.kind, declared(storage).toStored(object)) : object;
}

/** The stored object in the form of `kind`. Not for versions of custom kinds. */
export function fromStored<T extends KubeObject>(kind: Kind<T>, object: KubeObject): T {
  const { storage } = kind.options;
  return storage ? named(kind, declared<T>(storage).fromStored(object)) : (object as T);
}

/** An object of `from` in the form of `to`, another kind for the same objects. @throws AppError when it cannot be converted */
export function converted(from: Kind, to: Kind, object: KubeObject): KubeObject | Promise<KubeObject> {
  if (from.apiVersion === to.apiVersion) return object;
  const versions = versionsOf(to);
  if (!versions) return fromStored(to, toStored(from, object));
  const result = versions.convert([object], to);
  return result instanceof Promise ? result.then(([one]) => one!) : result[0]!;
}

function declared<T extends KubeObject>(storage: StoredAs<T> | VersionOf): StoredAs<T> {
  if ('versions' in storage) throw new Error('versions of a custom kind are converted by their definition');
  return storage;
}

/** In the order of served objects: kind, apiVersion and metadata first. */
function named<T extends KubeObject>({ kind, apiVersion }: Pick<Kind, 'kind' | 'apiVersion'>, object: T): T {
  const result = { kind, apiVersion, metadata: object.metadata, ...object };
  result.kind = kind;
  result.apiVersion = apiVersion;
  return result;
}
