// What this process compiles into rules, for /rules/inputs: who asks what rules would be with other objects compiles them elsewhere.

import type { ProxyMode } from '../../dataplane/service/mode';
import { inputLines } from '../../dataplane/what-if/inputs';
import type { ServicesPart } from './open';
import type { PolicyEnforcer } from './policy/enforcer';

/** `withPeers`: with all pods and namespaces, also while no policy needs them. Nothing before all lists are complete. */
export const inputsOf = (
  mode: ProxyMode,
  services: Pick<ServicesPart, 'inputs'>,
  policies: Pick<PolicyEnforcer, 'inputs'>,
) =>
  async function* inputs(withPeers: boolean): AsyncGenerator<string> {
    const known = services.inputs();
    const ofPolicies = await policies.inputs(withPeers);
    // The reader notices the missing lines.
    if (known && ofPolicies) yield* inputLines({ mode, ...known, policies: ofPolicies });
  };
