// Compiles Services, endpoints and node facts to rule text. Incremental, but the result does not depend on the order of changes:
// equal input gives equal bytes. Keeps the text of every chain and says which chains a change touched.

import type { Family, Rule } from '../../netfilter/model';
import { chains as fixed, type OwnedTable, ownedTables } from '../../netfilter/names';
import { renderChain } from '../../netfilter/render';
import type { NodeFacts, ServiceInput } from '../input';
import type { RuleCompiler } from '../mode';
import { filterChains, hostPortJumps, inputRules, natChains, nodePortJumps } from './base-chains';
import { DispatchTree, hairpinTree, nodePortTree, serviceTree } from './dispatch';
import { type CompiledService, compileService, type TreeEntry } from './service-chains';

/** Table → chain → its rules as text. */
export type Plan = Readonly<Record<OwnedTable, ReadonlyMap<string, string>>>;
export type DirtyChains = Readonly<Record<OwnedTable, ReadonlySet<string>>>;

export class ServiceCompiler implements RuleCompiler<Plan, DirtyChains> {
  private readonly inputs = new Map<string, ServiceInput>();
  private readonly compiled = new Map<string, CompiledService>();
  private readonly text = { nat: new Map<string, string>(), filter: new Map<string, string>() };
  private readonly dirty = { nat: new Set<string>(), filter: new Set<string>() };
  private readonly trees;
  /** `port owner` → rules. There are few, and only packets to this node are checked against them. */
  private readonly hostPorts = new Map<string, readonly string[]>();

  constructor(
    private readonly family: Family,
    private facts: NodeFacts,
  ) {
    this.trees = {
      address: new DispatchTree(serviceTree(family), family),
      hairpin: new DispatchTree(hairpinTree(family), family),
      tcp: new DispatchTree(nodePortTree('tcp'), family),
      udp: new DispatchTree(nodePortTree('udp'), family),
      sctp: new DispatchTree(nodePortTree('sctp'), family),
    };
    this.putBase();
  }

  setFacts(facts: NodeFacts): void {
    this.facts = facts;
    for (const [key, input] of this.inputs) this.replace(key, compileService(input, facts, this.family));
    this.putBase();
  }

  set(key: string, input: ServiceInput | undefined): void {
    if (input) this.inputs.set(key, input);
    else if (!this.inputs.delete(key)) return;
    this.replace(key, input && compileService(input, this.facts, this.family));
  }

  get services(): ReadonlyMap<string, ServiceInput> {
    return this.inputs;
  }

  take(): { readonly plan: Plan; readonly dirty: DirtyChains } {
    this.putTrees();
    this.put('filter', fixed.input, inputRules(this.inputs.values()));
    const dirty = { nat: new Set(this.dirty.nat), filter: new Set(this.dirty.filter) };
    for (const table of ownedTables) this.dirty[table].clear();
    return { plan: this.text, dirty };
  }

  get ruleCounts(): ReadonlyMap<string, number> {
    return new Map(
      ownedTables.map((table) => {
        let rules = 0;
        for (const text of this.text[table].values()) rules += text.split('\n').length - 1;
        return [table, rules];
      }),
    );
  }

  private replace(key: string, next: CompiledService | undefined): void {
    const old = this.compiled.get(key);
    for (const name of old?.chains.keys() ?? []) if (!next?.chains.has(name)) this.write('nat', name, undefined);
    for (const [name, text] of next?.chains ?? []) this.write('nat', name, text);
    const entries = new Map(next?.entries.map((entry) => [identity(entry), entry]));
    for (const entry of old?.entries ?? []) {
      const kept = entries.get(identity(entry));
      if (!kept) this.place({ ...entry, rules: [] });
      else if (sameRules(kept, entry)) entries.delete(identity(entry));
    }
    for (const entry of entries.values()) this.place(entry);
    if (next) this.compiled.set(key, next);
    else this.compiled.delete(key);
  }

  private place({ tree, key, owner, rules }: TreeEntry): void {
    if (tree !== 'hostPort') this.trees[tree].set(key, owner, rules);
    else if (rules.length > 0) this.hostPorts.set(`${key} ${owner}`, rules);
    else this.hostPorts.delete(`${key} ${owner}`);
  }

  private putBase(): void {
    for (const [name, rules] of natChains(this.facts)) this.put('nat', name, rules);
    for (const [name, rules] of filterChains(this.facts, this.family)) this.put('filter', name, rules);
  }

  private putTrees(): void {
    const { address, hairpin, tcp, udp, sctp } = this.trees;
    for (const tree of Object.values(this.trees)) {
      for (const [name, text] of tree.takeChanges()) this.write('nat', name, text);
    }
    const behind = [
      ...nodePortJumps(this.facts, this.family),
      ...(this.hostPorts.size > 0 ? hostPortJumps(this.family) : []),
    ];
    const entrance = address.entrance(fixed.services) + renderChain(fixed.services, behind, this.family);
    this.write('nat', fixed.services, entrance);
    this.write('nat', fixed.hostPorts, this.hostPorts.size > 0 ? this.renderHostPorts() : undefined);
    this.write('nat', fixed.hairpin, hairpin.entrance(fixed.hairpin));
    this.write('nat', fixed.nodePorts, [tcp, udp, sctp].map((tree) => tree.entrance(fixed.nodePorts)).join(''));
  }

  private renderHostPorts(): string {
    const sorted = [...this.hostPorts].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([, rules]) => rules.map((body) => `-A ${fixed.hostPorts}${body}\n`)).join('');
  }

  private put(table: OwnedTable, name: string, rules: readonly Rule[]): void {
    this.write(table, name, renderChain(name, rules, this.family));
  }

  private write(table: OwnedTable, name: string, text: string | undefined): void {
    const chains = this.text[table];
    if (chains.get(name) === text) return;
    if (text === undefined) chains.delete(name);
    else chains.set(name, text);
    this.dirty[table].add(name);
  }
}

const identity = ({ tree, key, owner }: TreeEntry): string => `${tree} ${key} ${owner}`;
const sameRules = (a: TreeEntry, b: TreeEntry): boolean => a.rules.join('\n') === b.rules.join('\n');

/** The plan as one iptables-save text, chains sorted by name: for golden files, the tracer and people. */
export function renderPlan(plan: Plan): string {
  return ownedTables
    .map((table) => {
      const names = [...plan[table].keys()].sort();
      const declared = names.map((name) => `:${name} - [0:0]\n`).join('');
      return `*${table}\n${declared}${names.map((name) => plan[table].get(name)).join('')}COMMIT\n`;
    })
    .join('');
}
