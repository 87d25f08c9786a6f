// `k8ts kube-proxy --cleanup`: removes all rules that k8ts has written in this network namespace, of both
// families and all modes.
import { hasCode } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Exec } from '../../dataplane/exec/exec';
import { Applier } from '../../dataplane/netfilter/applier';
import type { Backend } from '../../dataplane/netfilter/backend';
import { programsOf } from '../../dataplane/netfilter/backend';
import { NftProgram } from '../../dataplane/nftables/nft';
import { SourceFilter } from '../../dataplane/pod-sources/filter';
import { PolicyApplier } from '../../dataplane/policy/applier';
import { tableOf } from '../../dataplane/service/nft/names';
import { NftWriter } from '../../dataplane/service/nft/writer';

const families = [4, 6] as const;

/** Cleans all modes, because the mode may have changed since the rules were written. */
export async function cleanup(exec: Exec, log: Logger): Promise<void> {
  for (const backend of families.flatMap((family) => programsOf(family))) {
    try {
      await new Applier({ exec, backend }).removeAll();
      log.info('removed all rules and chains', { program: nameOf(backend) });
    } catch (err) {
      // The program is not installed, or this kernel lacks the table: k8ts has written nothing there.
      if (!hasCode(err, 'NotFound') && !hasCode(err, 'CommandFailed')) throw err;
      log.debug('nothing to remove', { program: nameOf(backend), error: err });
    }
  }
  const nft = new NftProgram(exec);
  try {
    await new PolicyApplier(nft).apply(undefined);
    // The kubelet writes these rules and does not remove them when it ends, just as the pods' links stay.
    await new SourceFilter(nft).remove();
    for (const family of families) await new NftWriter({ nft, table: tableOf(family) }).removeAll();
  } catch (error) {
    // Without nft there are no rules of policies and no rules of mode nftables.
    if (!hasCode(error, 'Unsupported')) throw error;
  }
}

const nameOf = (backend: Backend): string => backend.save.replace('-save', '');
