// A proxy mode at work for one address family: its compiler and its writer, joined.
import type { Family } from '../../controlplane/base/cidr';
import type { Logger } from '../../controlplane/base/logger';
import type { Exec } from '../../dataplane/exec/exec';
import { Applier } from '../../dataplane/netfilter/applier';
import { detectBackend } from '../../dataplane/netfilter/backend';
import type { Drift, RuleWriter, Written } from '../../dataplane/netfilter/writer';
import { ServiceCompiler } from '../../dataplane/service/compiler';
import type { NodeFacts, ServiceInput } from '../../dataplane/service/input';
import type { ProxyMode, RuleCompiler } from '../../dataplane/service/mode';

/** What FamilyProxy needs of a mode. Calls of write() and check() must not overlap. */
export interface Rules {
  set(key: string, input: ServiceInput | undefined): void;
  setFacts(facts: NodeFacts): void;
  readonly services: ReadonlyMap<string, ServiceInput>;
  readonly ruleCounts: ReadonlyMap<string, number>;
  /** @throws what RuleWriter.apply throws; nothing is lost, the next call writes everything that differs. */
  write(): Promise<Written>;
  /** Nothing before the first write. `thorough` compares everything, otherwise only when the canaries are gone. */
  check(thorough: boolean): Promise<Drift>;
  removeAll(): Promise<void>;
}

export class ModeRules<Plan, Dirty> implements Rules {
  /** The last one taken; a box, because a plan may be anything. */
  private taken: { readonly plan: Plan } | undefined;
  constructor(
    private readonly compiler: RuleCompiler<Plan, Dirty>,
    private readonly writer: RuleWriter<Plan, Dirty>,
  ) {}

  set(key: string, input: ServiceInput | undefined): void {
    this.compiler.set(key, input);
  }

  setFacts(facts: NodeFacts): void {
    this.compiler.setFacts(facts);
  }

  get services(): ReadonlyMap<string, ServiceInput> {
    return this.compiler.services;
  }

  get ruleCounts(): ReadonlyMap<string, number> {
    return this.taken ? this.compiler.ruleCounts : new Map();
  }

  write(): Promise<Written> {
    const { plan, dirty } = this.compiler.take();
    this.taken = { plan };
    return this.writer.apply(plan, dirty);
  }

  async check(thorough: boolean): Promise<Drift> {
    if (!this.taken) return [];
    if (!thorough && (await this.writer.canaryAlive())) return [];
    return this.writer.check(this.taken.plan);
  }

  removeAll(): Promise<void> {
    return this.writer.removeAll();
  }
}

export interface RulesDeps {
  readonly mode: ProxyMode;
  readonly exec: Exec;
  readonly family: Family;
  readonly facts: NodeFacts;
  readonly log: Logger;
}

/** @throws Unsupported when this node lacks what the mode needs; the message says what to do. */
export async function openRules({ mode, exec, family, facts, log }: RulesDeps): Promise<Rules> {
  const backend = await detectBackend(exec, family);
  log.info('netfilter', { family, proxyMode: mode, backend: backend.mode, version: backend.version });
  return new ModeRules(new ServiceCompiler(family, facts), new Applier({ exec, backend }));
}
