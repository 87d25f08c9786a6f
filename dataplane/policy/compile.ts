// Compiles policies, pods and namespaces to the rules of one node. Pure: equal input gives an equal plan.
//
//   leave ─ leaving4: by source ───────► from-PROFILE ─► out/NS/POLICY, … : accept, else drop
//   enter ─ entering4: by destination ─► to-PROFILE ───► in/NS/POLICY, … : accept, else drop
//
// A profile is the list of policies that select a pod; pods with the same list share its chain, so the number of pods makes
// sets longer, never chains. A pod of this node that no policy selects is in the map as well, with `accept`: an address of
// the node's pod range that is not there belongs to a pod that this node has not heard of yet.
import type { Family } from '../../controlplane/base/cidr';
import { baseChains } from './base-chains';
import { guardText } from './bridge-guard';
import type { NodeServer, PodRecord, PolicyRecord, World } from './input';
import type { AddressSet, Chain, PolicyPlan, SetKind, VerdictMap } from './model';
import { type Direction, mapName, policyChain, profileChain, selfName, serversName } from './names';
import { type NamedSets, policyRules, profileRules } from './policy-rules';
import { PodIndex } from './select';

const directions: readonly Direction[] = ['egress', 'ingress'];

/** The rules of this node, or undefined when the cluster has no policy: then nothing is written. */
export function compilePolicies(world: World): PolicyPlan | undefined {
  if (world.policies.length === 0) return undefined;
  const { families } = world;
  const book = addressBook(world.pods, families);
  const chains = baseChains(world);
  const maps = new Map<string, VerdictMap>();
  const self = new Map(families.map((family) => [family, new Set<string>()]));
  const namedSets: NamedSets = { peers: new Map(), ports: new Map() };
  const policies = [...world.policies].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const direction of directions) {
    const selecting = selectingPolicies(
      book.local,
      policies.filter((policy) => policy[direction]),
    );
    const verdicts = new Map(families.map((family) => [family, new Map<string, string>()]));
    for (const pod of book.local) {
      const chain = addProfile(chains, direction, selecting.get(pod) ?? []);
      for (const { address, family } of book.addressesOf(pod)) {
        verdicts.get(family)!.set(address, chain ? `goto ${chain}` : 'accept');
        if (chain) self.get(family)!.add(`${address} . ${address}`);
      }
    }
    for (const [family, elements] of verdicts) maps.set(mapName(direction, family), { family, elements });
    for (const policy of inUse(policies, selecting)) {
      chains.set(policyChain(direction, policy.key), { rules: policyRules(direction, policy, families, namedSets) });
    }
  }
  const sets = new Map<string, AddressSet>();
  const add = (name: string, family: Family, kind: SetKind, elements: ReadonlySet<string>) =>
    sets.set(name, { family, kind, elements });
  for (const [family, elements] of self) add(selfName(family), family, 'pair', elements);
  for (const family of families) add(serversName(family), family, 'endpoint', serverEndpoints(world.servers, family));
  fillSets(world, book, namedSets, add);
  return { chains, sets, maps, guard: guardText(world.podRanges) };
}

/** The policies that isolate each pod, by key, sorted as `policies` are. */
function selectingPolicies(pods: readonly PodRecord[], policies: readonly PolicyRecord[]): Map<PodRecord, string[]> {
  const index = new PodIndex(pods);
  const found = new Map<PodRecord, string[]>();
  for (const { key, namespace, pods: selector } of policies) {
    for (const pod of index.inNamespace(namespace, selector)) {
      const keys = found.get(pod);
      if (keys) keys.push(key);
      else found.set(pod, [key]);
    }
  }
  return found;
}

/** The chain of a pod these policies select; undefined when there are none. */
function addProfile(chains: Map<string, Chain>, direction: Direction, keys: readonly string[]): string | undefined {
  if (keys.length === 0) return undefined;
  const name = profileChain(direction, keys);
  if (!chains.has(name)) chains.set(name, { rules: profileRules(direction, keys) });
  return name;
}

/** A policy that selects no pod of this node adds no rules here. */
function inUse(
  policies: readonly PolicyRecord[],
  selecting: ReadonlyMap<PodRecord, readonly string[]>,
): PolicyRecord[] {
  const keys = new Set([...selecting.values()].flat());
  return policies.filter(({ key }) => keys.has(key));
}

type AddSet = (name: string, family: Family, kind: SetKind, elements: ReadonlySet<string>) => void;

function fillSets(world: World, book: AddressBook, namedSets: NamedSets, add: AddSet): void {
  const everyone = new PodIndex<PodRecord | NodeServer>([...book.pods, ...world.servers], world.namespaces);
  for (const [name, { family, namespace, peer }] of namedSets.peers) {
    const elements = new Set<string>();
    for (const pod of everyone.ofPeer(namespace, peer)) {
      for (const each of book.addressesOf(pod)) if (each.family === family) elements.add(each.address);
    }
    add(name, family, 'address', elements);
  }
  const listening = listeners([...book.pods, ...world.servers]);
  for (const [name, { family, protocol, name: portName }] of namedSets.ports) {
    const elements = new Set<string>();
    for (const { pod, port } of listening.get(`${protocol} ${portName}`) ?? []) {
      for (const each of book.addressesOf(pod)) {
        if (each.family === family) elements.add(`${each.address} . ${protocol} . ${port}`);
      }
    }
    add(name, family, 'endpoint', elements);
  }
}

/** `PROTOCOL NAME` → pods with a port of that name. */
function listeners(pods: readonly (PodRecord | NodeServer)[]) {
  const found = new Map<string, { readonly pod: PodRecord | NodeServer; readonly port: number }[]>();
  for (const pod of pods) {
    for (const { name, protocol, port } of pod.ports) {
      const key = `${protocol} ${name}`;
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push({ pod, port });
    }
  }
  return found;
}

function serverEndpoints(servers: readonly NodeServer[], family: Family): Set<string> {
  const all = servers.flatMap(({ endpoints }) => endpoints);
  const own = all.filter(({ address }) => familyOf(address) === family);
  return new Set(own.map(({ address, protocol, port }) => `${address} . ${protocol} . ${port}`));
}

interface AddressBook {
  /** Pods with at least one address of their own. */
  readonly pods: readonly PodRecord[];
  readonly local: readonly PodRecord[];
  addressesOf(pod: PodRecord | NodeServer): readonly OwnAddress[];
}

interface OwnAddress {
  readonly address: string;
  readonly family: Family;
}

/**
 * Which pod has which address. When two pods claim an address (a pod being deleted and its successor), the address belongs to
 * the pod that is not being deleted. When that does not decide, the smaller key does, so that all nodes agree.
 */
function addressBook(pods: readonly PodRecord[], families: readonly Family[]): AddressBook {
  const owners = new Map<string, PodRecord>();
  for (const pod of pods) {
    for (const address of pod.addresses) {
      const other = owners.get(address);
      if (!other || comesFirst(pod, other)) owners.set(address, pod);
    }
  }
  const own = new Map<PodRecord | NodeServer, OwnAddress[]>();
  const addressesOf = (pod: PodRecord | NodeServer): readonly OwnAddress[] => {
    let found = own.get(pod);
    if (!found) {
      found = pod.addresses
        .filter((address) => 'endpoints' in pod || owners.get(address) === pod)
        .map((address) => ({ address, family: familyOf(address) }))
        .filter(({ family }) => families.includes(family));
      own.set(pod, found);
    }
    return found;
  };
  const owning = [...new Set(owners.values())];
  return { pods: owning, local: owning.filter(({ local }) => local), addressesOf };
}

const comesFirst = (a: PodRecord, b: PodRecord): boolean => (a.ending === b.ending ? a.key < b.key : b.ending);
const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
