// Kinds that serve the objects of another kind in their own form: a further version, or the same objects under another group. The
// objects are stored once, in the form of one kind.
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

/** The kind in whose form objects of `kind` are stored: most kinds store their own. */
export const storageKind = (kind: Kind): Kind => kind.options.storage?.kind ?? kind;

/** The object in its stored form: the object itself if the kind stores its own form. */
export function toStored(kind: Kind, object: KubeObject): KubeObject {
  const { storage } = kind.options;
  return storage ? named(storage.kind, storage.toStored(object)) : object;
}

/** The stored object in the form of `kind`. */
export function fromStored<T extends KubeObject>(kind: Kind<T>, object: KubeObject): T {
  const { storage } = kind.options;
  return storage ? named(kind, storage.fromStored(object)) : (object as T);
}

/** In the order of served objects: kind, apiVersion and metadata first. */
function named<T extends KubeObject>({ kind, apiVersion }: Pick<Kind, 'kind' | 'apiVersion'>, object: T): T {
  const result = { kind, apiVersion, metadata: object.metadata, ...object };
  result.kind = kind;
  result.apiVersion = apiVersion;
  return result;
}
