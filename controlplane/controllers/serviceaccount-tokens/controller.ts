// Fills Secrets of type kubernetes.io/service-account-token, and deletes them with their ServiceAccount.
import type { KeyObject } from 'node:crypto';
import { type Secret, type ServiceAccount, secrets, serviceAccounts } from '../../api/index';
import { accountOf, legacyClaims } from '../../api/service-account-token';
import { dns1123Subdomain } from '../../api/validation/names';
import { isNotFound } from '../../base/errors';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { signJwt } from '../../pki/jwt';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { filled, isFor, isTokenSecret, planToken, withoutReference } from './plan';

export interface TokensOptions {
  /** PEM of the CA by which the user of a token verifies the API server. */
  readonly caPem: string;
  /** Signs tokens. */
  readonly key: KeyObject;
}

export class ServiceAccountTokensController implements Controller {
  private readonly secrets: TrackedInformer<Secret>;
  private readonly accounts: TrackedInformer<ServiceAccount>;
  private readonly queue: WorkQueue;
  /** Account → keys of its Secrets: a namespace may have thousands of both. */
  private readonly secretsOf = new Map<string, Set<string>>();
  /** Deleted Secrets whose account may still refer to them. */
  private readonly deleted = new Map<string, Secret>();

  constructor(
    private readonly deps: Deps,
    private readonly options: TokensOptions,
  ) {
    this.secrets = deps.informers.of(secrets);
    this.accounts = deps.informers.of(serviceAccounts);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.secrets.onChange((change) => this.onSecret(change));
    this.accounts.onChange((change) => {
      const { key, type, object } = change;
      const isOther = type === 'updated' && change.previous.metadata?.uid !== object.metadata?.uid;
      if (type === 'deleted' || isOther) for (const secret of this.secretsOf.get(key) ?? []) this.queue.add(secret);
    });
    await Promise.all([this.secrets.synced(signal), this.accounts.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { client } = this.deps;
    const { caPem } = this.options;
    const secret = this.secrets.get(key);
    if (!secret || !isTokenSecret(secret)) return this.removeReference(key, signal);
    const account = await this.accountFor(secret, signal);
    const plan = planToken(secret, account, caPem);
    if (plan.action === 'delete') {
      const preconditions = { uid: secret.metadata?.uid };
      await client.delete(secrets, key, { preconditions, signal }).catch(unlessDeleted);
    } else if (plan.action === 'fill' && account) {
      const claims = legacyClaims(account, secret.metadata?.name ?? '');
      const token = plan.needsToken ? signJwt(claims, this.options.key) : undefined;
      // With the resourceVersion: a Secret that changed meanwhile is planned again.
      await client.update(secrets, filled(secret, account, caPem, token), { signal }).catch(unlessDeleted);
    }
  }

  private onSecret(change: Change<Secret>): void {
    const { key, type, object } = change;
    const before = type === 'updated' ? change.previous : type === 'deleted' ? object : undefined;
    const had = before !== undefined && isTokenSecret(before);
    if (had) this.forget(key, before);
    if (type !== 'deleted' && isTokenSecret(object)) {
      const account = accountKey(object);
      this.secretsOf.set(account, (this.secretsOf.get(account) ?? new Set()).add(key));
      this.deleted.delete(key);
    } else if (had) this.deleted.set(key, before);
    else return;
    this.queue.add(key);
  }

  private forget(key: string, secret: Secret): void {
    const account = accountKey(secret);
    const keys = this.secretsOf.get(account);
    keys?.delete(key);
    if (keys?.size === 0) this.secretsOf.delete(account);
  }

  /** The account of the Secret. The copy may lack the newest accounts, and a Secret is not deleted for that. */
  private async accountFor(secret: Secret, signal: AbortSignal): Promise<ServiceAccount | undefined> {
    const key = accountKey(secret);
    const copy = this.accounts.get(key);
    if (isFor(secret, copy)) return copy;
    // No account has such a name, and the server refuses such a path.
    if (!isAccountName(secret)) return undefined;
    return this.deps.client.get(serviceAccounts, key, signal).catch(unlessDeleted);
  }

  /** An account keeps no reference to its Secret that was deleted. */
  private async removeReference(key: string, signal: AbortSignal): Promise<void> {
    const secret = this.deleted.get(key);
    if (!secret) return;
    const account = this.accounts.get(accountKey(secret));
    const changed = account && isFor(secret, account) && withoutReference(account, secret.metadata?.name ?? '');
    if (changed) await this.deps.client.update(serviceAccounts, changed, { signal }).catch(unlessDeleted);
    this.deleted.delete(key);
  }
}

const isAccountName = (secret: Secret): boolean => dns1123Subdomain(accountOf(secret).name).length === 0;
const accountKey = (secret: Secret): string => `${secret.metadata?.namespace ?? ''}/${accountOf(secret).name}`;

function unlessDeleted(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
  return undefined;
}
