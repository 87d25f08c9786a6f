// Keeps the finalizer and the condition Ready of ServiceCIDRs: one that is deleted stays while an address of a Service lies in it alone.
// Promises: (1) each ServiceCIDR has the finalizer before it is deleted; (2) one that is deleted is looked at again when an address in
// it goes, and when another ServiceCIDR changes.
import { type IPAddress, ipAddresses, type ServiceCIDR, serviceCidrs } from '../../api/index';
import { cidrsWith, serviceCidrFinalizer } from '../../api/service-cidrs/facts';
import { formatTime } from '../../base/clock';
import { isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { isDeleting } from '../shared/owner';
import { writeProtection } from '../shared/protection';
import { controllerQueue, runWorkers } from '../shared/worker';
import { planServiceCidr, type ReadyCondition } from './plan';

/** The owner of the condition in managedFields; upstream's name. */
const fieldManager = 'service-cidr-controller';

export class ServiceCidrController implements Controller {
  private readonly cidrs: TrackedInformer<ServiceCIDR>;
  private readonly addresses: TrackedInformer<IPAddress>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.cidrs = deps.informers.of(serviceCidrs);
    this.addresses = deps.informers.of(ipAddresses);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.cidrs.onChange(({ key }) => {
      this.queue.add(key);
      for (const cidr of this.deleting()) this.queue.add(cidr.metadata?.name ?? '');
    });
    this.addresses.onChange(({ key }) => {
      for (const cidr of cidrsWith(key, this.deleting())) this.queue.add(cidr.metadata?.name ?? '');
    });
    await Promise.all([this.cidrs.synced(signal), this.addresses.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.deps;
    const cidr = this.cidrs.get(key);
    if (!cidr) return;
    const write = { client, kind: serviceCidrs, finalizer: serviceCidrFinalizer };
    for (const step of planServiceCidr(cidr, this.cidrs.list(), this.addresses.list(), clock.now())) {
      if (step.action === 'protect') await writeProtection(write, cidr, 'protect', signal);
      else if (step.action === 'release') await writeProtection(write, cidr, 'release', signal);
      else if (step.action === 'wait') this.queue.addAfter(key, step.ms);
      else await this.report(cidr, step.condition, signal);
    }
  }

  /** As upstream: an apply of the condition alone, with force. */
  private async report({ metadata }: ServiceCIDR, condition: ReadyCondition, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.deps;
    const { apiVersion, kind } = serviceCidrs;
    const { name = '', uid } = metadata ?? {};
    const conditions = [{ ...condition, lastTransitionTime: formatTime(clock.now()) }];
    const patch = { apiVersion, kind, metadata: { name, uid }, status: { conditions } };
    const options = { subresource: 'status', fieldManager, force: true, signal };
    await client.patch(serviceCidrs, name, 'apply', patch, options).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }

  private deleting(): ServiceCIDR[] {
    return this.cidrs.list().filter(isDeleting);
  }
}
