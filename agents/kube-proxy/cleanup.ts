// `k8ts kube-proxy --cleanup`: takes everything of ours out of the kernel of this network namespace, both families.
import { hasCode } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Exec } from '../../dataplane/exec/exec';
import { Applier } from '../../dataplane/netfilter/applier';
import type { Backend } from '../../dataplane/netfilter/backend';
import { programsOf } from '../../dataplane/netfilter/backend';
import { NftProgram } from '../../dataplane/nftables/nft';
import { PolicyApplier } from '../../dataplane/policy/applier';

/** Both modes are cleaned: the mode may have been switched since the rules were written. */
export async function cleanup(exec: Exec, log: Logger): Promise<void> {
  for (const backend of [4, 6].flatMap((family) => programsOf(family as 4 | 6))) {
    try {
      await new Applier({ exec, backend }).removeAll();
      log.info('removed all rules and chains', { program: nameOf(backend) });
    } catch (err) {
      // Not installed, or not in this kernel: then there is nothing of ours either.
      if (!hasCode(err, 'NotFound') && !hasCode(err, 'CommandFailed')) throw err;
      log.debug('nothing to remove', { program: nameOf(backend), error: err });
    }
  }
  try {
    await new PolicyApplier(new NftProgram(exec)).apply(undefined);
  } catch (error) {
    // Without nft there never were rules of policies.
    if (!hasCode(error, 'Unsupported')) throw error;
  }
}

const nameOf = (backend: Backend): string => backend.save.replace('-save', '');
