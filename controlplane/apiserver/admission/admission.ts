// Admission: plug-ins in a fixed order, each seeing what the one before left. A plug-in changes `object` or throws.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { UserInfo } from '../request';

export type Operation = 'create' | 'update' | 'delete' | 'connect';

export interface Write {
  readonly operation: Operation;
  readonly kind: Kind;
  readonly namespace: string;
  /** '' while a generated name is not known yet. */
  readonly name: string;
  readonly subresource: string;
  /** What is going to be written; of a subresource with a body of its own kind, that body. Absent for a deletion. */
  readonly object?: KubeObject;
  readonly old?: KubeObject;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Texts sent back as Warning headers. */
  readonly warnings: string[];
}

/** @throws Forbidden, Invalid, Conflict */
export type AdmissionPlugin = (write: Write) => void;

export class Admission {
  constructor(private readonly plugins: readonly AdmissionPlugin[]) {}

  /** Runs every plug-in in order. @throws what the first refusing one throws */
  admit(write: Write): void {
    for (const plugin of this.plugins) plugin(write);
  }
}
