// Marks and deletes tokens of Secrets that were made for accounts automatically, by older versions of Kubernetes, and are unused for a year.
// Such a token never expires. The API server refuses one that is marked, so a user who still needs it has a year to remove the mark.
import {
  configMaps,
  type Pod,
  pods,
  type Secret,
  type ServiceAccount,
  secrets,
  serviceAccounts,
} from '../../api/index';
import { invalidSinceLabel, tokenTrackingName } from '../../api/service-account-token';
import { objectKey } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { Controller, Deps } from '../shared/deps';
import { metaOf } from '../shared/owner';
import { planCleaning, type TokenStep } from './plan';

const periodMs = 24 * 3_600_000;

export class LegacyTokenCleanerController implements Controller {
  private readonly secrets: TrackedInformer<Secret>;
  private readonly accounts: TrackedInformer<ServiceAccount>;
  private readonly pods: TrackedInformer<Pod>;

  constructor(private readonly deps: Deps) {
    this.secrets = deps.informers.of(secrets);
    this.accounts = deps.informers.of(serviceAccounts);
    this.pods = deps.informers.of(pods);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    await Promise.all([this.secrets, this.accounts, this.pods].map((informer) => informer.synced(signal)));
    while (!signal.aborted) {
      await this.clean(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('old tokens were not cleaned; the next try is in a day', { error });
      });
      await clock.sleep(periodMs, signal).catch(() => {});
    }
  }

  async clean(signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.deps;
    const tracking = await client.get(configMaps, `kube-system/${tokenTrackingName}`, signal);
    const steps = planCleaning({
      secrets: this.secrets.list(),
      account: (key) => this.accounts.get(key),
      podsIn: (namespace) => this.pods.list().filter(({ metadata }) => metadata?.namespace === namespace),
      trackedSince: tracking.data?.['since'],
      now: clock.now(),
    });
    for (const step of steps) {
      await this.apply(step, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        // A Secret that changed meanwhile is judged again in a day.
        if (!isConflict(error) && !isNotFound(error)) log.warn('an old token was not cleaned', { error });
      });
    }
  }

  private async apply(step: TokenStep, signal: AbortSignal): Promise<void> {
    const { client, log } = this.deps;
    const key = objectKey(step.secret);
    const { uid, resourceVersion } = metaOf(step.secret);
    log.info('unused token of an account', { secret: key, action: step.action });
    if (step.action === 'delete') {
      const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      await client.delete(secrets, key, { preconditions, signal });
      return;
    }
    const patch = { metadata: { uid, resourceVersion, labels: { [invalidSinceLabel]: step.day } } };
    await client.patch(secrets, key, 'merge', patch, { signal });
  }
}
