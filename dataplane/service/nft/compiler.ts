// Compiles Services, endpoints and node facts to the content of an nftables table. Incremental, but the result does not depend on
// the order of changes. Most Services are only elements, so a change of one Service is a few elements, however many others exist.
import { canonicalAddress, type Family } from '../../../controlplane/base/cidr';
import { comment } from '../../nftables/text';
import type { NodeFacts, ServiceInput } from '../input';
import type { RuleCompiler } from '../mode';
import { baseChains, baseSets, chain } from './base';
import { Journal } from './journal';
import type { Element, NftChain, NftChanges, NftPlan } from './model';
import { chains as fixed, sets } from './names';
import { type Claim, compilePort } from './service-port';

interface CompiledService {
  readonly claims: readonly Claim[];
  readonly chains: ReadonlyMap<string, NftChain>;
  readonly sets: ReadonlyMap<string, string>;
  readonly hostPorts: ReadonlyMap<string, string>;
}

export class NftCompiler implements RuleCompiler<NftPlan, NftChanges> {
  private readonly inputs = new Map<string, ServiceInput>();
  private readonly compiled = new Map<string, CompiledService>();
  private readonly claims = new Map<string, Claim[]>();
  /** How many Services use each shared chain or set. */
  private readonly uses = new Map<string, number>();
  private readonly hostPorts = new Map<string, string>();
  private readonly chains = new Journal<NftChain>((a, b) => a.rules === b.rules && a.hook === b.hook);
  private readonly sets = new Journal<string>();
  private readonly elements: ReadonlyMap<string, Journal<string>>;

  constructor(
    private readonly family: Family,
    private facts: NodeFacts,
  ) {
    const declared = baseSets(family);
    this.elements = new Map([...declared.keys()].map((name) => [name, new Journal<string>()]));
    for (const [name, declaration] of declared) this.sets.set(name, declaration);
    this.putBase();
  }

  setFacts(facts: NodeFacts): void {
    this.facts = facts;
    this.putBase();
    for (const [key, input] of this.inputs) this.replace(key, this.compile(input));
  }

  set(key: string, input: ServiceInput | undefined): void {
    const next = input && this.compile(input);
    if (input) this.inputs.set(key, input);
    else if (!this.inputs.delete(key)) return;
    this.replace(key, next);
  }

  get services(): ReadonlyMap<string, ServiceInput> {
    return this.inputs;
  }

  take(): { readonly plan: NftPlan; readonly dirty: NftChanges } {
    const hostPorts = [...this.hostPorts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
    this.chains.set(fixed.hostPorts, chain(...hostPorts));
    const elements = new Map([...this.elements].map(([name, journal]) => [name, journal.values]));
    const changed = new Map([...this.elements].map(([name, journal]) => [name, journal.take()]));
    return {
      plan: { chains: this.chains.values, sets: this.sets.values, elements },
      dirty: { chains: this.chains.take(), sets: this.sets.take(), elements: changed },
    };
  }

  get ruleCounts(): ReadonlyMap<string, number> {
    let rules = 0;
    for (const { rules: text } of this.chains.values.values()) rules += text.split('\n').length - 1;
    return new Map([['rules', rules], ...[...this.elements].map(([name, { values }]) => [name, values.size] as const)]);
  }

  private putBase(): void {
    for (const [name, content] of baseChains(this.facts, this.family)) this.chains.set(name, content);
  }

  private compile(service: ServiceInput): CompiledService {
    const claims: Claim[] = [];
    if (service.clusterIp !== undefined) {
      const address = canonicalAddress(service.clusterIp);
      const element: Element = [sets.clusterIps, address, ` ${comment(service.key)}`];
      claims.push({ key: `cluster-ip ${address}`, owner: service.key, elements: [element] });
    }
    const chains = new Map<string, NftChain>();
    const clientSets = new Map<string, string>();
    const hostPorts = new Map<string, string>();
    for (const port of service.ports) {
      const compiled = compilePort(service, port, this.facts, this.family);
      claims.push(...compiled.claims);
      for (const [name, content] of compiled.chains) chains.set(name, content);
      for (const [name, declaration] of compiled.sets) clientSets.set(name, declaration);
      for (const [key, rule] of compiled.hostPorts) hostPorts.set(key, rule);
    }
    return { claims, chains, sets: clientSets, hostPorts };
  }

  /** Counts the new chains before it releases the old ones, so that shared chains stay unchanged. */
  private replace(key: string, next: CompiledService | undefined): void {
    const old = this.compiled.get(key);
    for (const [name, declaration] of next?.sets ?? []) this.use(this.sets, name, declaration);
    for (const [name, content] of next?.chains ?? []) this.use(this.chains, name, content);
    for (const claim of old?.claims ?? []) this.unclaim(claim);
    for (const claim of next?.claims ?? []) this.claim(claim);
    for (const key of old?.hostPorts.keys() ?? []) this.hostPorts.delete(key);
    for (const [key, rule] of next?.hostPorts ?? []) this.hostPorts.set(key, rule);
    for (const name of old?.chains.keys() ?? []) this.release(this.chains, name);
    for (const name of old?.sets.keys() ?? []) this.release(this.sets, name);
    if (next) this.compiled.set(key, next);
    else this.compiled.delete(key);
  }

  private claim(claim: Claim): void {
    const others = this.claims.get(claim.key) ?? [];
    const all = [...others, claim].sort((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0));
    this.claims.set(claim.key, all);
    this.show(others[0], all[0]);
  }

  private unclaim(claim: Claim): void {
    const all = this.claims.get(claim.key) ?? [];
    const others = all.filter((one) => one !== claim);
    if (others.length > 0) this.claims.set(claim.key, others);
    else this.claims.delete(claim.key);
    this.show(all[0], others[0]);
  }

  private show(before: Claim | undefined, after: Claim | undefined): void {
    if (before === after) return;
    for (const [set, key] of before?.elements ?? []) this.elements.get(set)!.set(key, undefined);
    for (const [set, key, rest] of after?.elements ?? []) this.elements.get(set)!.set(key, rest);
  }

  private use<T>(journal: Journal<T>, name: string, value: T): void {
    this.uses.set(name, (this.uses.get(name) ?? 0) + 1);
    journal.set(name, value);
  }

  private release<T>(journal: Journal<T>, name: string): void {
    const left = this.uses.get(name)! - 1;
    if (left > 0) {
      this.uses.set(name, left);
      return;
    }
    this.uses.delete(name);
    journal.set(name, undefined);
  }
}
