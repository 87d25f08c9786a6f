// What one rule of the write path is. Admission plug-ins, the allocation of addresses and the strategy of the object's kind are
// rules; order.ts lists them, run.ts runs them.
import type { Kind, WriteContext } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Cidr } from '../../base/cidr';
import type { Clock } from '../../base/clock';
import type { AppError } from '../../base/errors';
import type { PodSecurityConfig } from '../admission/pod-security/config';
import type { Authorizer } from '../authz/authorizer';
import type { RbacAuthorizer } from '../authz/rbac';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';
import { forbidden } from '../status';

export type Operation = 'create' | 'update' | 'delete' | 'connect';

export interface Write {
  readonly operation: Operation;
  readonly kind: Kind;
  readonly namespace: string;
  /** '' while a name is not generated yet. */
  readonly name: string;
  /** The subresource of the request: a scale is admitted as `scale`, although it is written as the object. */
  readonly subresource: string;
  /** What is going to be written; of a subresource with a body of its own kind, that body. Absent for a deletion. */
  readonly object?: KubeObject;
  readonly old?: KubeObject;
  /** Set when `object` is of `kind`: what the kind's own rules look at besides the object. */
  readonly context?: WriteContext<KubeObject>;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /**
   * What the store refused to earlier attempts of this write: each claim with the key that holds it. A rule that chose the value
   * chooses another one, a rule to which the writer named it refuses.
   */
  readonly refused?: ReadonlyMap<string, string> | undefined;
  /** Texts sent back as Warning headers. */
  readonly warnings: string[];
}

/** Something that one object at a time may have: an address, a port, a share of a quota. */
export interface Reservation {
  /** Gives it back: the write failed, or was a dry run. Must not throw. */
  undo(): void;
}

/** A promise where the rule has to wait; without one the whole write goes on in the same synchronous stretch. */
type Answer<T> = T | Promise<T>;

/**
 * Each phase runs for all rules before the next phase begins. A rule refuses by throwing Forbidden, Invalid, NotFound or
 * Conflict. An update that meets another write runs all phases again, on the newer object: a rule may run several times.
 */
export interface WriteRule {
  /** Upstream's name where upstream has the rule. */
  readonly name: string;
  /** False: no phase of the rule runs for this write. Asked before each phase, so it looks at no field of the object. */
  concerns(write: Write): boolean;
  /** Changes `object` in place, or refuses. A name that is generated does not exist yet. */
  mutate?(write: Write): Answer<void>;
  /** Clears or carries over what the writer may not set. Once more for each name that is tried. */
  prepare?(write: Write): Answer<void>;
  /** Judges the object as it will be stored, and changes nothing. */
  validate?(write: Write): Answer<void>;
  /** Takes what the object needs, right before the write. */
  reserve?(write: Write): Answer<Reservation>;
}

/** What rules are made of. */
export interface RuleDeps {
  readonly cache: Cache;
  readonly clock: Pick<Clock, 'now'>;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly random: () => number;
  /** Addresses of Services: one range per family, that of the default family first. */
  readonly serviceRanges: readonly Cidr[];
  readonly podSecurity: PodSecurityConfig;
  readonly allowServiceExternalIps: boolean;
  /** Rules that follow objects stop when it is aborted. */
  readonly signal: AbortSignal;
}

/** Makes a rule, and resolves when it knows what it needs to know; undefined when the server's options switch it off. */
export type OpenRule = (deps: RuleDeps) => Answer<WriteRule | undefined>;

/**
 * A refusal of this write. An object whose name is yet to be generated is shown by its prefix, so that events about the
 * replicas of one workload read the same and are counted as one.
 */
export function refusal({ kind, name, object }: Write, why: string): AppError {
  const shown = name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
  return forbidden(kind, shown, why);
}
