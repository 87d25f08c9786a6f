// API Priority and Fairness: the stored FlowSchemas and PriorityLevelConfigurations decide which requests run, wait or are refused.

import { mandatoryFlows, mandatoryLevels } from '../../api/flow-control/bootstrap-objects';
import {
  type FlowSchema,
  flowSchemas,
  type PriorityLevelConfiguration,
  priorityLevelConfigurations,
} from '../../api/index';
import type { Clock } from '../../base/clock';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { ApiRequest, UserInfo } from '../request';
import type { ResourceRoute } from '../route';
import { flowHash } from './hand';
import { Level, type Waiter } from './level';
import { type Admission, free, isLongRunning, type RefusalReason, type RequestLimits, TooManyRequests } from './limits';
import { type Asked, inOrder, matchesAll, matchesRules, rulesFor } from './match';
import { FlowTimes, renderFlows } from './metrics';
import { SeatPool } from './seat-pool';
import { seatsOf } from './seats';

/** A quarter of the time after which kube-apiserver ends a request. */
export const longestWaitMs = 15_000;

/** What is counted of one FlowSchema. */
export interface FlowCounts {
  dispatched: number;
  waiting: number;
  executing: number;
  readonly rejected: Map<RefusalReason, number>;
}

/** One FlowSchema whose level exists. */
export interface Flow {
  readonly name: string;
  readonly schema: FlowSchema;
  readonly level: Level;
  readonly counts: FlowCounts;
  readonly exempt: Admission;
}

interface Candidate {
  readonly flow: Flow;
  readonly rules: ReturnType<typeof rulesFor>;
  readonly takesAll: boolean;
}

export class FlowControl implements RequestLimits {
  private readonly schemas = new Map<string, FlowSchema>();
  private readonly configurations = new Map<string, PriorityLevelConfiguration>();
  private readonly levels = new Map<string, Level>();
  /** Levels without a configuration that still have requests. */
  private readonly leaving = new Set<Level>();
  private readonly pool = new SeatPool();
  private readonly times = new FlowTimes();
  private counts: ReadonlyMap<string, FlowCounts> = new Map();
  private flows: readonly Flow[] = [];
  /** Which flows a user's requests may belong to. Users of a connection are one object. */
  private candidates = new WeakMap<UserInfo, readonly Candidate[]>();
  private isStale = true;

  /** `seats`: how many requests of all levels run at once. */
  constructor(
    private readonly seats: number,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the stored objects are loaded. Until then, and where they are missing, the mandatory ones count. */
  async follow(cache: Cache, signal: AbortSignal): Promise<void> {
    const into =
      <T extends FlowSchema | PriorityLevelConfiguration>(all: Map<string, T>) =>
      (previous: T | undefined, current: T | undefined) => {
        const name = (current ?? previous)?.metadata?.name ?? '';
        if (current) all.set(name, current);
        else all.delete(name);
        this.isStale = true;
      };
    await followKind(cache, priorityLevelConfigurations, into(this.configurations), signal);
    await followKind(cache, flowSchemas, into(this.schemas), signal);
  }

  /** @throws TooManyRequests */
  admit(request: ApiRequest, route: ResourceRoute | undefined): Admission {
    if (isLongRunning(route)) return free;
    if (this.isStale) this.configure();
    const flow = this.flowOf(request, route);
    if (!flow) return free;
    if (flow.level.isExempt) {
      flow.counts.dispatched++;
      return flow.exempt;
    }
    if (this.pool.tryTake(flow.level)) return this.started(flow, route?.verb === 'watch');
    return this.queued(flow, request, route);
  }

  render(): readonly string[] {
    if (this.isStale) this.configure();
    return renderFlows(this.flows, this.levels.values(), this.seats, this.times);
  }

  private flowOf({ user, method, path }: ApiRequest, route: ResourceRoute | undefined): Flow | undefined {
    const candidates = this.candidates.get(user) ?? this.candidatesOf(user);
    for (const { flow, rules, takesAll } of candidates) {
      if (takesAll) return flow;
      const asked: Asked = route ?? { verb: method.toLowerCase(), path };
      if (matchesRules(rules, asked)) return flow;
    }
    return undefined;
  }

  private candidatesOf(user: UserInfo): readonly Candidate[] {
    const found = this.flows.flatMap((flow): readonly Candidate[] => {
      const rules = rulesFor(flow.schema, user);
      return rules.length > 0 ? [{ flow, rules, takesAll: matchesAll(rules) }] : [];
    });
    this.candidates.set(user, found);
    return found;
  }

  private started(flow: Flow, watch: boolean): Admission {
    const { level, counts, exempt } = flow;
    const { headers = {} } = exempt;
    const began = this.clock.elapsed();
    counts.dispatched++;
    counts.executing++;
    this.times.waited(flow, 0, true);
    const done = () => {
      counts.executing--;
      this.times.ran(flow, this.clock.elapsed() - began, watch);
      this.pool.giveBack(level);
    };
    return { headers, done };
  }

  private queued(flow: Flow, request: ApiRequest, route: ResourceRoute | undefined): Admission {
    const { level, counts, exempt } = flow;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let cancel = () => {};
    let began = 0;
    const added = this.clock.elapsed();
    const refuse = (reason: RefusalReason) => {
      counts.waiting--;
      this.times.waited(flow, this.clock.elapsed() - added, false);
      counts.rejected.set(reason, (counts.rejected.get(reason) ?? 0) + 1);
      cancel();
      reject(new TooManyRequests(reason));
    };
    const waiter: Waiter = {
      level,
      isGone: () => request.isGone?.() ?? false,
      hash: flowHash(flow.name, distinguisher(flow.schema, request, route)),
      refuse,
      start: () => {
        cancel();
        counts.waiting--;
        counts.dispatched++;
        counts.executing++;
        began = this.clock.elapsed();
        this.times.waited(flow, began - added, true);
        resolve();
      },
    };
    const done = () => {
      counts.executing--;
      this.times.ran(flow, this.clock.elapsed() - began, route?.verb === 'watch');
      if (waiter.queue) level.finished(waiter.queue, this.clock.elapsed() - began);
      this.pool.giveBack(level);
    };
    counts.waiting++;
    const full = level.add(waiter);
    if (full) refuse(full);
    else {
      this.pool.wait(level);
      cancel = this.clock.after(longestWaitMs, () => {
        if (level.remove(waiter)) refuse('time-out');
      });
    }
    return { ...exempt, wait: promise, done };
  }

  /** Brings flows and levels in line with the objects. Requests that run or wait keep their level. */
  private configure(): void {
    this.isStale = false;
    const configurations = withMandatory(this.configurations, mandatoryLevels);
    const seats = seatsOf(configurations, this.seats);
    for (const [name, level] of this.levels) {
      if (seats.has(name)) continue;
      this.levels.delete(name);
      this.leaving.add(level);
    }
    for (const configuration of configurations) {
      const name = configuration.metadata?.name ?? '';
      const level = this.levels.get(name) ?? new Level(name);
      this.levels.set(name, level);
      level.configure(configuration, seats.get(name)!);
    }
    this.flows = inOrder(withMandatory(this.schemas, mandatoryFlows)).flatMap((schema) => this.flowFor(schema));
    this.counts = new Map(this.flows.map(({ name, counts }) => [name, counts]));
    this.candidates = new WeakMap();
    for (const level of this.leaving) if (level.executing + level.waiting === 0) this.leaving.delete(level);
    this.pool.resize([...this.levels.values(), ...this.leaving]);
  }

  /** A schema whose level is missing takes no requests. */
  private flowFor(schema: FlowSchema): readonly Flow[] {
    const name = schema.metadata?.name ?? '';
    const level = this.levels.get(schema.spec?.priorityLevelConfiguration.name ?? '');
    if (!level) return [];
    const counts = this.counts.get(name) ?? { dispatched: 0, waiting: 0, executing: 0, rejected: new Map() };
    const headers = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata?.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.uid,
    };
    return [{ name, schema, level, counts, exempt: { headers } }];
  }
}

function withMandatory<T extends FlowSchema | PriorityLevelConfiguration>(
  stored: ReadonlyMap<string, T>,
  mandatory: readonly T[],
): readonly T[] {
  const missing = mandatory.filter(({ metadata }) => !stored.has(metadata?.name ?? ''));
  return [...stored.values(), ...missing];
}

function distinguisher({ spec }: FlowSchema, { user }: ApiRequest, route: ResourceRoute | undefined): string {
  switch (spec?.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name;
    case 'ByNamespace':
      return route?.namespace ?? '';
    default:
      return '';
  }
}
