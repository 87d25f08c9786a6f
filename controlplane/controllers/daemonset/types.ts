// What a pass over a DaemonSet sees, and its steps.
import type { DaemonSet } from '../../api/daemon-set';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';

export type Step =
  | { readonly action: 'create'; readonly node: string }
  /** `ended`: the pod has failed or finished, which a daemon should not. */
  | { readonly action: 'delete'; readonly pod: Pod; readonly ended?: 'failed' | 'succeeded' };

export interface DaemonSetInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** The pods it owns. */
  readonly pods: readonly Pod[];
  /** The hash in the label of up-to-date pods. */
  readonly hash: string;
  readonly now: number;
}
export interface Place {
  readonly node: Node;
  readonly shouldRun: boolean;
  /** False when an existing pod on the node must be deleted. */
  readonly mayStay: boolean;
  readonly pods: readonly Pod[];
}
