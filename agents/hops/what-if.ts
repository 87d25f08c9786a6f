// The rules of this node as they would be if some objects were others: kube-proxy says what it compiles, the changed objects are translated
// as it translates them, and its compilers make rules of all together.
import type { EndpointSlice, Namespace, NetworkPolicy, Pod, Service } from '../../controlplane/api';
import type { HopWhatIf } from '../../controlplane/base/hops';
import type { Exec } from '../../dataplane/exec/exec';
import type { CountedListings } from '../../dataplane/hops/listings';
import { compileInputs } from '../../dataplane/what-if/compile';
import type { FamilyInputs, PolicyInputs, RuleInputs } from '../../dataplane/what-if/inputs';
import { printTables } from '../../dataplane/what-if/print';
import { replaceOwn } from '../../dataplane/what-if/replace';
import {
  closedPolicy,
  translateNamespace,
  translatePod,
  translatePolicy,
  translateServer,
} from '../kube-proxy/policy/translate';
import { translateService } from '../kube-proxy/translate';
import { readInputs } from './inputs';
import { checkWhatIf } from './what-if-check';

export interface WhatIfDeps {
  readonly exec: Exec;
  /** HOST:PORT of kube-proxy's metrics. */
  readonly kubeProxy: string;
}

/** @throws BadRequest for objects that no API server has checked, Unavailable when kube-proxy does not answer, CommandFailed when nft does not take the rules */
export async function wouldBe(
  listings: CountedListings,
  whatIf: HopWhatIf,
  { exec, kubeProxy }: WhatIfDeps,
): Promise<CountedListings> {
  checkWhatIf(whatIf);
  const inputs = await readInputs(kubeProxy, (whatIf.policies ?? []).length > 0);
  const planned = compileInputs(changedInputs(inputs, whatIf));
  return replaceOwn(listings, planned, await printTables(exec, planned.nft));
}

const keyOf = ({ metadata }: { readonly metadata?: { readonly namespace?: string; readonly name?: string } }) =>
  `${metadata?.namespace}/${metadata?.name}`;

interface ChangedService {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

/** Pure. */
export function changedInputs(inputs: RuleInputs, whatIf: HopWhatIf): RuleInputs {
  const { nodeName, zone } = inputs;
  const here = zone === undefined ? { nodeName } : { nodeName, zone };
  const changed = (whatIf.services ?? []) as readonly ChangedService[];
  const families = inputs.families.map((one): FamilyInputs => {
    const services = new Map(one.services);
    for (const key of whatIf.gone?.services ?? []) services.delete(key);
    for (const { service, slices } of changed) {
      const input = translateService(service, slices, one.family, here);
      if (input) services.set(input.key, input);
      else services.delete(keyOf(service));
    }
    return { ...one, services };
  });
  return { ...inputs, families, policies: changedPolicies(inputs, whatIf, changed) };
}

function changedPolicies(
  { policies: inputs, nodeName }: RuleInputs,
  whatIf: HopWhatIf,
  changed: readonly ChangedService[],
): PolicyInputs {
  const { gone } = whatIf;
  const policies = ((whatIf.policies ?? []) as readonly NetworkPolicy[]).map((policy) => {
    try {
      return translatePolicy(policy);
    } catch {
      // As kube-proxy does with one that it does not understand.
      return closedPolicy(policy);
    }
  });
  const pods = (whatIf.pods ?? []) as readonly Pod[];
  const namespaces = ((whatIf.namespaces ?? []) as readonly Namespace[]).map(translateNamespace);
  return {
    ...inputs,
    policies: replaced(inputs.policies, policies, ({ key }) => key, gone?.policies),
    ...(inputs.pods
      ? {
          pods: replaced(
            inputs.pods,
            pods.flatMap((pod) => translatePod(pod, nodeName) ?? []),
            ({ key }) => key,
            [...(gone?.pods ?? []), ...pods.map(keyOf)],
          ),
        }
      : {}),
    ...(inputs.namespaces ? { namespaces: replaced(inputs.namespaces, namespaces, ({ name }) => name) } : {}),
    servers: inputs.servers.flatMap((server) => {
      const now = changed.find(({ service }) => keyOf(service) === server.key);
      if (!now) return gone?.services?.includes(server.key) ? [] : [server];
      return translateServer(now.service, now.slices, { name: nodeName, podRanges: inputs.podRanges }) ?? [];
    }),
  };
}

/** Those of `all` that are neither gone nor changed, then the changed ones. */
function replaced<T>(
  all: readonly T[],
  changed: readonly T[],
  key: (one: T) => string,
  gone: readonly string[] = [],
): readonly T[] {
  const others = new Set([...gone, ...changed.map(key)]);
  return [...all.filter((one) => !others.has(key(one))), ...changed];
}
