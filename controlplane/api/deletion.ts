// Rules that a kind may have for the deletion of its objects. Without rules an object is deleted at once, unless finalizers hold
// it.
import type { KubeObject } from './types';

export interface DeletionRules<T extends KubeObject> {
  /** A completed deletion answers with the last object instead of a Status, as kube-apiserver does for a few kinds. */
  readonly answersWithObject?: boolean;
  /** Orphan is the default of propagationPolicy, for clients that are older than the garbage collector. */
  readonly orphansByDefault?: boolean;
  /** The warning when a request leaves the propagationPolicy to that default. */
  readonly orphanWarning?: string;
  /** How long the object stays, so that its processes can end; `requested` is the period in the request. */
  graceSeconds?(object: T, requested: number | undefined): number;
  /** True while something other than metadata.finalizers holds a deleted object. */
  isHeld?(object: T): boolean;
  /** A copy of an object whose deletion begins, with a status that shows the deletion. */
  markDeleted?(object: T): T;
}

/** Zero means at once; a negative period counts as one second. */
export const atLeastOne = (seconds: number): number => (seconds < 0 ? 1 : seconds);
