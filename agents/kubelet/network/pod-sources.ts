// Keeps the check of what pods send (dataplane/pod-sources) in the kernel of this node.
//
//   pod ranges ─► planPorts ─► SourceFilter     once, before the first wire; again for a pod that is an exception
//   timer ──────► isDamaged ─► apply, Event     when another program removed or changed rules
import type { Cidr } from '../../../controlplane/base/cidr';
import type { Clock } from '../../../controlplane/base/clock';
import { describeError, hasCode } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { SourceFilter } from '../../../dataplane/pod-sources/filter';
import type { PodPort } from '../../../dataplane/pod-sources/ports';
import { vethName } from './names';
import { planPorts } from './port-plan';

/** How often the kubelet checks whether another program changed the table, and how often the check reads every element. */
export const checkMs = 2_500;
export const thoroughMs = 60_000;

export interface PodSourcesDeps {
  readonly filter: Pick<SourceFilter, 'apply' | 'remove' | 'isDamaged' | 'comparesTargets'>;
  /** False removes the table that an earlier start wrote. */
  readonly enabled: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** A Warning Event of the node. */
  readonly report: (reason: 'PodSourcesNotChecked' | 'RulesRestored', message: string) => void;
}

export class PodSources {
  private ranges: readonly Cidr[] = [];
  private ports: ReadonlyMap<string, PodPort> = new Map();
  private readonly exceptions = new Map<string, readonly string[]>();
  private turn: Promise<unknown> = Promise.resolve();
  /** Why pods are not checked; the same reason is reported once. */
  private failure: string | undefined;
  private unsupported = false;

  constructor(private readonly deps: PodSourcesDeps) {}

  /** Never throws: pods run even on a node that cannot check them, and an Event says so. */
  open(ranges: readonly Cidr[]): Promise<void> {
    this.ranges = ranges;
    return this.inTurn(async () => {
      if (this.deps.enabled) return this.write();
      await this.deps.filter.remove().catch((error: unknown) => {
        this.deps.log.warn('the table that checks pod sources was not removed', { error });
      });
    });
  }

  /** Resolves when the pod with these addresses may send. Nearly every pod needs no write. */
  async admit(ips: readonly string[]): Promise<void> {
    if (!this.deps.enabled) return;
    await this.inTurn(async () => {
      const first = ips[0]!;
      if (this.ports.get(vethName(first))?.addresses.join() === ips.join()) return;
      for (const [other, theirs] of this.exceptions) {
        if (theirs.some((ip) => ips.includes(ip))) this.exceptions.delete(other);
      }
      this.exceptions.set(first, ips);
      await this.write();
    });
  }

  /** Restores what another program removed, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, enabled } = this.deps;
    if (!enabled) return;
    for (let checks = 1; !signal.aborted; checks++) {
      await clock.sleep(checkMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.inTurn(() => this.check(checks % Math.round(thoroughMs / checkMs) === 0));
    }
  }

  private async check(thorough: boolean): Promise<void> {
    const { filter, log, report } = this.deps;
    // The missing program may be installed by now.
    if (this.unsupported && !thorough) return;
    try {
      if (!(await filter.isDamaged(thorough))) return;
    } catch (error) {
      log.warn('the table that checks pod sources cannot be read, will retry', { error });
      return;
    }
    const wasWhole = this.failure === undefined;
    await this.write();
    if (!wasWhole || this.failure !== undefined) return;
    log.warn('rules that check what pods send were removed or changed by another program; they are written again');
    report(
      'RulesRestored',
      'Another program removed or changed rules that check what pods send; they are written again',
    );
  }

  private async write(): Promise<void> {
    const { filter, log, report } = this.deps;
    this.ports = planPorts(this.ranges, [...this.exceptions.values()]);
    try {
      const whole = filter.comparesTargets;
      await filter.apply([...this.ports.values()]);
      this.failure = undefined;
      this.unsupported = false;
      if (whole && !filter.comparesTargets) {
        log.warn(
          'this nft cannot compare targets of IPv6 neighbour messages: pods may answer for their neighbours there',
        );
      }
    } catch (error) {
      const failure = describeError(error);
      this.unsupported = hasCode(error, 'Unsupported');
      if (failure === this.failure) return;
      this.failure = failure;
      const hint = this.unsupported ? ' (nft with tables for bridges is needed)' : '';
      log.warn('pods are not checked: they can send under any address', { error });
      report('PodSourcesNotChecked', `Pods of this node can send under foreign addresses${hint}: ${failure}`);
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}
