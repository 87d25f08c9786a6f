// Runs the probes of running containers, each on its own timer, and keeps their verdicts.
import type { Pod } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import { describeError, hasCode } from '../../../controlplane/base/errors';
import { collectOutput } from '../runtime/exec-output';
import type { ContainerRuntime } from '../runtime/runtime';
import type { Container } from '../spec/container';
import { resolvePort } from '../spec/named-port';
import { grpcProbe } from './grpc';
import { httpProbe, type ProbeOutcome } from './http';
import type { ProbeMetrics } from './probe-metrics';
import { applyResult, failedForGood, initialState, type ProbeKind, type ProbeState } from './probe-state';
import { tcpProbe } from './tcp';

type Probe = NonNullable<Container['livenessProbe']>;

export interface ProbedContainer {
  readonly pod: Pod;
  readonly container: Container;
  readonly id: string;
  readonly podIp: string;
  readonly startedAtMs: number;
  /**
   * The API's status of this container: a restarted kubelet starts from it. If it started from "not ready", all healthy pods
   * of the node would leave their Services (KEP-4781).
   */
  readonly before?: { readonly started: boolean; readonly ready: boolean };
}

export interface ProberDeps {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly report: (of: ProbedContainer, reason: string, message: string) => void;
  /** Counts the results. */
  readonly metrics?: ProbeMetrics;
}

/** The probe could not run. */
interface Unknown {
  readonly unknown: string;
}

interface Watched {
  readonly target: ProbedContainer;
  readonly abort: AbortController;
  /** Ends the probes whose failure restarts the container. */
  readonly noRestarts: AbortController;
  readonly states: Map<ProbeKind, ProbeState>;
  /** The probe that failed for good. */
  failed?: 'liveness' | 'startup';
}

export class Prober {
  private readonly watched = new Map<string, Watched>();
  private readonly handlers: Array<(podUid: string) => void> = [];

  constructor(private readonly deps: ProberDeps) {}

  /** Called with a pod's uid after the verdict of one of its probes has changed. */
  onChange(handler: (podUid: string) => void): void {
    this.handlers.push(handler);
  }

  /** Begins to probe a running container. Repeatable. */
  watch(target: ProbedContainer): void {
    if (this.watched.has(target.id)) return;
    const { startupProbe, livenessProbe, readinessProbe } = target.container;
    const watched: Watched = {
      target,
      abort: new AbortController(),
      noRestarts: new AbortController(),
      states: new Map(),
    };
    this.watched.set(target.id, watched);
    const probes = { startup: startupProbe, liveness: livenessProbe, readiness: readinessProbe };
    for (const kind of ['startup', 'liveness', 'readiness'] as const) {
      if (probes[kind]) watched.states.set(kind, initialState(kind, target.before));
    }
    void this.run(watched, probes);
  }

  /**
   * The container is being ended with its pod: it is not restarted any more. Its readiness counts until it has ended, because clients
   * may be served meanwhile (KEP-1669).
   */
  keepReadiness(id: string): void {
    this.watched.get(id)?.noRestarts.abort();
  }

  unwatch(id: string): void {
    this.watched.get(id)?.noRestarts.abort();
    const watched = this.watched.get(id);
    watched?.abort.abort();
    if (watched) this.deps.metrics?.forget(watched.target);
    this.watched.delete(id);
  }

  /** True when the startup probe has passed, or there is none. */
  started(id: string): boolean {
    const states = this.watched.get(id)?.states;
    return states !== undefined && (states.get('startup')?.verdict ?? true);
  }

  ready(id: string): boolean {
    const states = this.watched.get(id)?.states;
    return states !== undefined && this.started(id) && (states.get('readiness')?.verdict ?? true);
  }

  failed(id: string): 'liveness' | 'startup' | undefined {
    return this.watched.get(id)?.failed;
  }

  close(): void {
    for (const id of [...this.watched.keys()]) this.unwatch(id);
  }

  private async run(watched: Watched, probes: Partial<Record<ProbeKind, Probe>>): Promise<void> {
    const { startup, liveness, readiness } = probes;
    const begun = watched.states.get('startup')?.verdict ?? true;
    if (startup && !begun && !(await this.loop(watched, 'startup', startup))) return;
    const rest: Promise<boolean>[] = [];
    if (liveness) rest.push(this.loop(watched, 'liveness', liveness));
    if (readiness) rest.push(this.loop(watched, 'readiness', readiness));
    await Promise.all(rest);
  }

  /** Resolves to true when a startup probe has passed, to false when probing has ended. */
  private async loop(watched: Watched, kind: ProbeKind, probe: Probe): Promise<boolean> {
    const { clock } = this.deps;
    const { target } = watched;
    const abort = kind === 'readiness' ? watched.abort : watched.noRestarts;
    const thresholds = { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 };
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000 - (clock.now() - target.startedAtMs);
    try {
      if (delayMs > 0) await clock.sleep(delayMs, abort.signal);
      for (;;) {
        const beganAt = clock.now();
        const outcome = await this.probe(target, probe, abort.signal);
        abort.signal.throwIfAborted();
        this.deps.metrics?.note(target, kind, resultOf(outcome), (clock.now() - beganAt) / 1000);
        if ('unknown' in outcome) {
          // The outcome says nothing about the container, so no threshold counts it.
          const message = `${title[kind]} probe errored and resulted in unknown state: ${outcome.unknown}`;
          this.deps.report(target, 'Unhealthy', message);
          await clock.sleep((probe.periodSeconds ?? 10) * 1000, abort.signal);
          continue;
        }
        const before = watched.states.get(kind)!;
        const state = applyResult(before, outcome.success, thresholds);
        watched.states.set(kind, state);
        if (outcome.warning) {
          this.deps.report(target, 'ProbeWarning', `${title[kind]} probe warning: ${outcome.output}`);
        }
        if (!outcome.success) {
          this.deps.report(target, 'Unhealthy', `${title[kind]} probe failed: ${outcome.output}`);
          if (kind !== 'readiness' && failedForGood(state, thresholds)) watched.failed = kind;
        }
        if (state.verdict !== before.verdict || watched.failed) this.changed(target);
        if (watched.failed) return false;
        if (kind === 'startup' && state.verdict) return true;
        await clock.sleep((probe.periodSeconds ?? 10) * 1000, abort.signal);
      }
    } catch (err) {
      if (abort.signal.aborted) return false;
      throw err;
    }
  }

  private changed({ pod }: ProbedContainer): void {
    for (const handler of this.handlers) handler(pod.metadata?.uid ?? '');
  }

  private async probe(target: ProbedContainer, probe: Probe, signal: AbortSignal): Promise<ProbeOutcome | Unknown> {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    const { container, podIp } = target;
    try {
      if (probe.exec) return await this.execProbe(target, probe.exec.command ?? [], timeoutMs, signal);
      if (probe.httpGet) {
        const { host, port, path = '/', scheme = 'HTTP', httpHeaders: headers = [] } = probe.httpGet;
        return await httpProbe({
          host: host || podIp,
          port: resolvePort(port, container),
          path,
          scheme,
          headers,
          timeoutMs,
          signal,
        });
      }
      if (probe.tcpSocket) {
        return await tcpProbe(probe.tcpSocket.host || podIp, resolvePort(probe.tcpSocket.port, container), timeoutMs);
      }
      if (probe.grpc) return await grpcProbe(podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
      return { success: true, output: '' };
    } catch (err) {
      signal.throwIfAborted();
      return { success: false, output: describeError(err) };
    }
  }

  private async execProbe(
    { id }: ProbedContainer,
    argv: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ProbeOutcome | Unknown> {
    const output = collectOutput();
    try {
      const { stream } = output;
      const code = await this.deps.runtime.exec(id, { argv, stdout: stream, stderr: stream, timeoutMs, signal });
      return { success: code === 0, output: output.text() };
    } catch (err) {
      signal.throwIfAborted();
      if (hasCode(err, 'Timeout')) {
        return { success: false, output: `command ${JSON.stringify(argv.join(' '))} timed out` };
      }
      // A command that cannot start is a failure of the container; other errors are failures of the runtime.
      if (hasCode(err, 'BadRequest')) throw err;
      return { unknown: describeError(err) };
    }
  }
}

const title: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

const resultOf = (outcome: ProbeOutcome | Unknown): 'successful' | 'failed' | 'unknown' => {
  if ('unknown' in outcome) return 'unknown';
  return outcome.success ? 'successful' : 'failed';
};
