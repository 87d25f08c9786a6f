// Whether NetworkPolicies exist: only then kube-proxies must know a pod's address before its first packet.
import { networkPolicies } from '../../../controlplane/api';
import { hasCode } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { createInformer } from '../../../controlplane/client/informer';

export class PolicyPresence {
  private count = 0;
  private unknown = false;

  constructor(private readonly deps: { readonly client: Client; readonly log: Logger }) {}

  /** Also true when this node may not list policies: to publish an address early does no harm, to publish it late loses packets. */
  get any(): boolean {
    return this.unknown || this.count > 0;
  }

  /** Watches until the signal is aborted. It keeps only the names of policies. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, log } = this.deps;
    try {
      await client.list(networkPolicies, { limit: 1 });
    } catch (error) {
      // Another API server may hide policies from kubelets; further requests would get the same answer.
      if (hasCode(error, 'Forbidden') || hasCode(error, 'NotFound')) {
        this.unknown = true;
        log.info(
          'this node may not list NetworkPolicies; addresses of pods are published before their network is ready',
          { error },
        );
        return;
      }
    }
    const informer = createInformer(client, networkPolicies, {
      log,
      keep: ({ metadata }) => ({
        metadata: {
          name: metadata?.name,
          namespace: metadata?.namespace,
          uid: metadata?.uid,
          resourceVersion: metadata?.resourceVersion,
        },
      }),
    });
    informer.onChange(({ type }) => {
      if (type === 'added') this.count++;
      if (type === 'deleted') this.count--;
    });
    await informer.run(signal);
  }
}
