// What a kind may say about the deletion of its objects. A kind that says nothing has its objects deleted at once, unless
// finalizers hold them.
import type { KubeObject } from './types';

export interface DeletionRules<T extends KubeObject> {
  /** A deletion that leaves nothing behind answers with the last object instead of a Status, as kube-apiserver does for a few kinds. */
  readonly answersWithObject?: boolean;
  /** How long the object stays so that what runs for it can end; `requested` is the period that the deletion asks for. */
  graceSeconds?(object: T, requested: number | undefined): number;
  /** True while something besides metadata.finalizers holds a deleted object. */
  isHeld?(object: T): boolean;
  /** A copy of an object that begins to wait for its end, with a status that says so. */
  markDeleted?(object: T): T;
}

/** Zero means at once; a negative period is taken as the shortest one. */
export const atLeastOne = (seconds: number): number => (seconds < 0 ? 1 : seconds);
