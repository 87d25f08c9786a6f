// The enforcement of policies with all its parts, as the agent runs it.
import { networkPolicies } from '../../../controlplane/api';
import { systemClock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import { createInformer } from '../../../controlplane/client/informer';
import type { Exec } from '../../../dataplane/exec/exec';
import type { Generations } from '../../../dataplane/nftables/generations';
import { NftProgram } from '../../../dataplane/nftables/nft';
import { PolicyApplier } from '../../../dataplane/policy/applier';
import type { Part } from '../part';
import { type EnforcerDeps, PolicyEnforcer } from './enforcer';
import { PolicyMetrics } from './metrics';

type Given = Pick<
  EnforcerDeps,
  'client' | 'nodeName' | 'families' | 'services' | 'slices' | 'nodes' | 'onDrift' | 'onFailure'
>;

type Around = { readonly exec: Exec; readonly log: Logger; readonly generations?: Generations };

/** Watches the policies of the whole cluster always, pods and namespaces only while there is a policy. */
export function openPolicies(given: Given & Around): Part & Pick<PolicyEnforcer, 'inputs'> {
  const { exec, log, generations, ...deps } = given;
  const policies = createInformer(deps.client, networkPolicies, { log });
  const metrics = new PolicyMetrics();
  const applier = new PolicyApplier(new NftProgram(exec, generations), generations ? { generations } : {});
  const enforcer = new PolicyEnforcer({ ...deps, policies, applier, metrics, clock: systemClock, log });
  return {
    renderMetrics: () => metrics.render(),
    desired: () => enforcer.desired(),
    inputs: (withPeers) => enforcer.inputs(withPeers),
    problem: () => enforcer.problem(),
    run: async (signal) => {
      await Promise.all([policies.run(signal), enforcer.run(signal)]);
    },
  };
}
