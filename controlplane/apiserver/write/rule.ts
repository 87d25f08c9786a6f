// The interface of a rule of the write path. Admission plug-ins, the allocation of addresses and the strategy of the object's
// kind are rules; order.ts lists them, run.ts runs them.
import type { Catalog } from '../../api/catalog';
import type { Kind, WriteContext } from '../../api/kind';
import type { SchemaSet } from '../../api/schema/schema-set';
import type { KubeObject } from '../../api/types';
import type { Cidr } from '../../base/cidr';
import type { Clock } from '../../base/clock';
import type { AppError } from '../../base/errors';
import type { Together } from '../../store/store';
import type { PodSecurityConfig } from '../admission/pod-security/config';
import type { Authorizer } from '../authz/authorizer';
import type { RbacAuthorizer } from '../authz/rbac';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';
import type { RestRequest } from '../rest/context';
import type { DeleteOptions } from '../rest/delete-options';
import { forbidden } from '../status';
import type { AdmissionMetrics } from './admission-metrics';

export type Operation = 'create' | 'update' | 'delete' | 'connect';

export interface Write {
  readonly operation: Operation;
  readonly kind: Kind;
  readonly namespace: string;
  /** '' until the name is generated. */
  readonly name: string;
  /** The subresource of the request: a scale is admitted as `scale`, although it is written as the object. */
  readonly subresource: string;
  /** The object to write; for a subresource with a body of another kind, that body. Absent for a deletion. */
  readonly object?: KubeObject;
  readonly old?: KubeObject;
  /** Set when `object` is of `kind`: further input of the kind's own rules. */
  readonly context?: WriteContext<KubeObject>;
  readonly user: UserInfo;
  /** The request, for rules that pass its options on. */
  readonly rest?: RestRequest;
  /** The options of a deletion. */
  readonly deletion?: DeleteOptions;
  readonly dryRun: boolean;
  /**
   * Claims that the store refused in earlier attempts of this write, each with the key that holds it. If a rule chose the value,
   * it chooses another; if the writer named the value, the rule refuses.
   */
  readonly refused?: ReadonlyMap<string, string> | undefined;
  /** Texts sent back as Warning headers. */
  readonly warnings: string[];
}

/** A value that only one object at a time may have: an address, a port, a share of a quota. */
export interface Reservation {
  /** Frees the value after a failed write or a dry run. Must not throw. */
  undo(): void;
  /** What the store must decide and change together with the object, in the transaction of its write. */
  readonly together?: readonly Together[];
}

/** A promise when the rule has to wait; without promises the write continues in the same synchronous stretch. */
type Answer<T> = T | Promise<T>;

/**
 * Each phase runs for all rules before the next phase begins. A rule refuses by throwing Forbidden, Invalid, NotFound or
 * Conflict. After a conflict an update runs all phases again, on the newer object: a rule may run several times.
 */
export interface WriteRule {
  /** Upstream's name, if upstream has the rule. */
  readonly name: string;
  /** False: no phase of the rule runs for this write. Called before each phase, so it must not depend on fields of the object. */
  concerns(write: Write): boolean;
  /**
   * Changes `object` in place, or refuses. Runs before a name is generated. `again`, after a wait: a program outside the server
   * or a policy changed the object, so all mutating rules run once more, as upstream's plug-ins do; then `second` is true.
   */
  mutate?(write: Write, second: boolean): void | Promise<void> | Promise<'again' | undefined>;
  /** Clears fields that the writer may not set, or keeps their stored values. Runs again for each generated name. */
  prepare?(write: Write): Answer<void>;
  /** Checks the object as it will be stored, and changes nothing. */
  validate?(write: Write): Answer<void>;
  /** Reserves values for the object, directly before the write. */
  reserve?(write: Write): Answer<Reservation>;
  /** What is deleted in one transaction with an object of any kind, when it is deleted for good. No other phase runs for it. */
  release?(kind: Kind, object: KubeObject): readonly Together[];
}

/** The arguments with which rules are opened. */
export interface RuleDeps {
  readonly catalog: Catalog;
  readonly schemas: SchemaSet;
  readonly cache: Cache;
  readonly clock: Pick<Clock, 'now'>;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly random: () => number;
  /** Whether a new object gets managedFields. */
  readonly ownersFromCreate: boolean;
  /** Addresses of Services by the server's option: one range per family, the default family first. */
  readonly serviceRanges: readonly Cidr[];
  readonly podSecurity: PodSecurityConfig;
  readonly allowServiceExternalIps: boolean;
  /** Rules that follow objects stop when it is aborted. */
  readonly signal: AbortSignal;
  /** Counts calls of webhooks; absent: nothing is counted. */
  readonly metrics?: Pick<AdmissionMetrics, 'called'>;
}

/** Opens a rule, and resolves when the objects it follows are loaded; undefined when the server's options disable it. */
export type OpenRule = (deps: RuleDeps) => Answer<WriteRule | undefined>;

/**
 * The error that refuses this write. Before its name is generated, an object is shown by its prefix, so that events about the
 * replicas of one workload have the same text and are counted as one.
 */
export function refusal({ kind, name, object }: Write, why: string): AppError {
  const shown = name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
  return forbidden(kind, shown, why);
}
