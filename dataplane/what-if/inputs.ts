// What kube-proxy of a node compiles into rules, as lines of JSON: it writes them at its metrics address, and who asks for rules as they
// would be reads them, changes some, and compiles all again in a process of its own. Pure.
//
// Each line holds one record. They are made while they are read, from kube-proxy's own maps.
import type { Family } from '../../controlplane/base/cidr';
import { Unavailable } from '../../controlplane/base/errors';
import type { NamespaceRecord, PodRecord, PolicyRecord, World } from '../policy/input';
import type { NodeFacts, ServiceInput } from '../service/input';
import type { ProxyMode } from '../service/mode';

export interface FamilyInputs {
  readonly family: Family;
  readonly facts: NodeFacts;
  readonly services: ReadonlyMap<string, ServiceInput>;
}

/** Pods and namespaces are absent while no policy needs them. */
export type PolicyInputs = Omit<World, 'pods' | 'namespaces'> & Partial<Pick<World, 'pods' | 'namespaces'>>;

export interface RuleInputs {
  readonly mode: ProxyMode;
  readonly nodeName: string;
  /** Of the node. */
  readonly zone?: string;
  readonly families: readonly FamilyInputs[];
  readonly policies: PolicyInputs;
}

const version = 1;

type Head = { readonly version: number; readonly watched: boolean } & Pick<RuleInputs, 'mode' | 'nodeName' | 'zone'> &
  Pick<World, 'podRanges' | 'servers'> & { readonly policyFamilies: World['families'] };

type Line =
  | Head
  | Omit<FamilyInputs, 'services'>
  | { readonly key: string; readonly service: ServiceInput }
  | { readonly policy: PolicyRecord }
  | { readonly pod: PodRecord }
  | { readonly namespace: NamespaceRecord }
  | { readonly end: true };

/** Each with its line end. */
export function* inputLines(inputs: RuleInputs): Generator<string> {
  for (const line of linesOf(inputs)) yield `${JSON.stringify(line)}\n`;
}

function* linesOf({ mode, nodeName, zone, families, policies }: RuleInputs): Generator<Line> {
  const { families: policyFamilies, podRanges, servers, pods, namespaces } = policies;
  const watched = pods !== undefined && namespaces !== undefined;
  const node = zone === undefined ? { nodeName } : { nodeName, zone };
  yield { version, mode, ...node, policyFamilies, podRanges, servers, watched };
  for (const { family, facts, services } of families) {
    yield { family, facts };
    for (const [key, service] of services) yield { key, service };
  }
  for (const policy of policies.policies) yield { policy };
  for (const pod of pods ?? []) yield { pod };
  for (const namespace of namespaces ?? []) yield { namespace };
  yield { end: true };
}

/** Give each line to take(), then call done(). */
export class InputReader {
  private head: Head | undefined;
  private readonly families: { family: Family; facts: NodeFacts; services: Map<string, ServiceInput> }[] = [];
  private readonly policies: PolicyRecord[] = [];
  private readonly pods: PodRecord[] = [];
  private readonly namespaces: NamespaceRecord[] = [];
  private ended = false;

  /** @throws Unavailable for a line that is none of these */
  take(text: string): void {
    const line = parseLine(text);
    if ('version' in line) {
      if (line.version !== version)
        throw new Unavailable(`kube-proxy answers in version ${line.version} of the format`);
      this.head = line;
    } else if ('facts' in line) this.families.push({ ...line, services: new Map() });
    else if ('service' in line) this.families.at(-1)?.services.set(line.key, line.service);
    else if ('policy' in line) this.policies.push(line.policy);
    else if ('pod' in line) this.pods.push(line.pod);
    else if ('namespace' in line) this.namespaces.push(line.namespace);
    else this.ended = true;
  }

  /** @throws Unavailable when the first or the last line is missing */
  done(): RuleInputs {
    const { head, families, policies, pods, namespaces } = this;
    if (!head || !this.ended) throw new Unavailable('the answer of kube-proxy ended early');
    const { mode, nodeName, zone, podRanges, servers, policyFamilies, watched } = head;
    return {
      mode,
      nodeName,
      ...(zone === undefined ? {} : { zone }),
      families,
      policies: { families: policyFamilies, podRanges, servers, policies, ...(watched ? { pods, namespaces } : {}) },
    };
  }
}

function parseLine(text: string): Line {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null) return line as Line;
  } catch {
    // Handled below.
  }
  throw new Unavailable(`kube-proxy answered a line that is not understood: ${JSON.stringify(text.slice(0, 100))}`);
}
