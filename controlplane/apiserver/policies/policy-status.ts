// Follows the ValidatingAdmissionPolicies and writes their status: the warnings of the check of types, once for each generation. Its
// promises:
//   1  a policy whose status is of its generation is not written
//   2  servers on one store write the same status: each computes it from the policy and the served kinds
//   3  a failed write is tried again; a conflict is not, since the newer policy is in the queue
// Upstream does this in the controller validatingadmissionpolicy-status. Here it needs the schemas of all kinds, which the server has.
import { type ValidatingAdmissionPolicy, validatingAdmissionPolicies } from '../../api/validating-admission-policy';
import type { Clock } from '../../base/clock';
import { isConflict, isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import { WorkQueue } from '../../client/work-queue';
import { followKind } from '../follow';
import type { RuleDeps } from '../write/rule';
import { runInTurns } from './in-turns';
import { typeWarnings } from './type-checking';

export interface PolicyStatusDeps extends Pick<RuleDeps, 'cache' | 'catalog' | 'schemas'> {
  readonly clock: Clock;
  readonly log: Logger;
}

export class PolicyStatus {
  private readonly queue: WorkQueue;
  private policies: ReadonlyMap<string, ValidatingAdmissionPolicy> = new Map();
  private following: Promise<void> = Promise.resolve();

  constructor(private readonly deps: PolicyStatusDeps) {
    const { clock, log } = deps;
    this.queue = new WorkQueue({
      name: 'validatingadmissionpolicy-status',
      clock,
      onRetry: (name, error, delayMs) => log.warn('status of a policy not written', { name, error, delayMs }),
    });
  }

  /** Resolves when the policies are loaded; follows them until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    const add = (previous: ValidatingAdmissionPolicy | undefined, current: ValidatingAdmissionPolicy | undefined) => {
      if (isOutdated(current)) this.queue.add((current ?? previous)?.metadata?.name ?? '');
    };
    this.policies = await followKind(this.deps.cache, validatingAdmissionPolicies, add, signal);
    this.following = this.run(signal);
  }

  /** Resolves when the worker has ended, after the signal of start(). */
  async closed(): Promise<void> {
    await this.following;
    this.queue.close();
  }

  private async run(signal: AbortSignal): Promise<void> {
    for await (const name of this.queue.keys(signal)) {
      await this.reconcile(name).then(
        () => this.queue.done(name),
        (error: unknown) => this.queue.done(name, error),
      );
    }
  }

  private async reconcile(name: string): Promise<void> {
    const policy = this.policies.get(name);
    if (!isOutdated(policy)) return;
    const { catalog, schemas, cache } = this.deps;
    const expressionWarnings = await runInTurns(typeWarnings(policy, catalog, schemas));
    const status = {
      ...policy.status,
      observedGeneration: policy.metadata?.generation ?? 0,
      typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {},
    };
    try {
      const revision = Number(policy.metadata?.resourceVersion);
      await cache.kind(validatingAdmissionPolicies).update({ ...policy, status }, revision);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

const isOutdated = (policy: ValidatingAdmissionPolicy | undefined): policy is ValidatingAdmissionPolicy =>
  policy !== undefined && (policy.metadata?.generation ?? 0) > (policy.status?.observedGeneration ?? 0);
