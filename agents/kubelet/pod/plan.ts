// The actions that make a pod run as its spec says. Pure: spec and observed containers in, actions out.
// The order follows kubernetes.io "Init Containers", "Sidecar Containers" and "Pod Lifecycle".
import { afterEnd, initAndAppContainers, isSidecar, type Pod } from '../../../controlplane/api';
import { isSandbox, labels, restartCountOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import type { Container } from '../spec/container';
import { resizeOf } from '../spec/container-resources';
import { specHash } from '../spec/spec-hash';

/** The parameters of each action. */
export interface PodActions {
  'create-sandbox': { readonly attempt: number };
  /** Ends all containers of the pod and releases its addresses; their records stay for the status. */
  'stop-pod': { readonly reason: string; readonly graceSeconds?: number };
  /** `attempt`: how often the container has run before. */
  'start-container': { readonly container: Container; readonly attempt: number };
  /** `resize`: the container ends only to start with other resources, whatever its restart policy says. */
  'kill-container': { readonly id: string; readonly name: string; readonly message: string; readonly resize?: true };
  /** Changes the resources of running containers. */
  'resize-containers': { readonly resizes: readonly ContainerResize[] };
  'remove-container': { readonly id: string };
  /** Ends all init and app containers without grace and removes them in this order; the next pass starts from the init containers. */
  'restart-all-containers': { readonly ids: readonly string[] };
}

export interface ContainerResize {
  readonly id: string;
  readonly container: Container;
}

/** One of the named actions, by default any. */
export type PodAction<A extends keyof PodActions = keyof PodActions> = {
  [K in A]: { readonly action: K } & PodActions[K];
}[A];

export type ProbeVerdict = 'healthy' | 'liveness-failed' | 'startup-failed';

export interface PlanInput {
  readonly pod: Pod;
  /** Newest first. */
  readonly records: readonly ContainerRecord[];
  readonly now: number;
  readonly verdict: (id: string) => ProbeVerdict;
  /** True when the running container's startup probe has passed or there is none, and its postStart hook has ended. */
  readonly started: (id: string) => boolean;
  /** Earliest time for the next start of this container, in ms since the epoch; 0 when at once. */
  readonly notBefore: (name: string, last: ContainerRecord | undefined) => number;
  /** The kubelet has failed the pod, or the API says that the pod has ended: no container of it may run. */
  readonly over?: boolean;
  /** When the pod is over: at most this much time for its containers to end. */
  readonly graceSeconds?: number | undefined;
  /** True for a container that was ended only to start with other resources. */
  readonly endedForResize?: (id: string) => boolean;
  /** Earliest time to change resources of containers, after a failure; 0 when at once. */
  readonly resizeNotBefore?: number;
  /** How often a container without records was started before, from the pod's last status. */
  readonly previousStarts?: (name: string) => number;
}

export interface PodPlan {
  readonly actions: readonly PodAction[];
  /** When to plan again if nothing happens before; absent when only an event can change the plan. */
  readonly retryAtMs?: number;
  /** Containers that wait for retryAtMs because they failed before. */
  readonly backingOff: readonly string[];
}

export function planPod(input: PlanInput): PodPlan {
  return new Planner(input).plan();
}

class Planner {
  private readonly actions: PodAction[] = [];
  private readonly backingOff: string[] = [];
  private retryAtMs: number | undefined;
  private readonly resizes: ContainerResize[] = [];
  private readonly sandbox: ContainerRecord | undefined;
  private readonly latest = new Map<string, ContainerRecord>();

  constructor(private readonly input: PlanInput) {
    const sandboxes = input.records.filter(isSandbox);
    this.sandbox = sandboxes.find((record) => record.state === 'running');
    for (const record of input.records) {
      const name = record.labels[labels.containerName] ?? '';
      if (!isSandbox(record) && !this.latest.has(name)) this.latest.set(name, record);
    }
  }

  plan(): PodPlan {
    const { pod } = this.input;
    if (this.input.over || this.hasEnded(pod)) {
      if (this.sandbox || this.anyRunning()) this.actions.push(this.stop());
    } else if (restartsAll(pod, (name) => this.lastEnd(name))) {
      this.actions.push({ action: 'restart-all-containers', ids: this.resetOrder(pod) });
      return { actions: this.actions, backingOff: [] };
    } else {
      if (!this.sandbox) this.replaceSandbox();
      this.planContainers();
      if (this.resizes.length > 0) this.actions.push({ action: 'resize-containers', resizes: this.resizes });
    }
    this.collectGarbage();
    return { actions: this.actions, retryAtMs: this.retryAtMs, backingOff: this.backingOff };
  }

  private stop(): PodAction<'stop-pod'> {
    const { graceSeconds } = this.input;
    return {
      action: 'stop-pod',
      reason: 'the pod has completed',
      ...(graceSeconds === undefined ? {} : { graceSeconds }),
    };
  }

  private hasEnded(pod: Pod): boolean {
    return podHasEnded(pod, (name) => this.lastEnd(name));
  }

  /** The newest record of a container, unless the container ended only to start with other resources. */
  private lastEnd(name: string): ContainerRecord | undefined {
    const record = this.latest.get(name);
    return record && this.input.endedForResize?.(record.id) ? undefined : record;
  }

  /**
   * Containers whose end restarts all of them come last: a kubelet that ends in between finds them and continues. App containers come
   * before init containers, as upstream.
   */
  private resetOrder({ spec }: Pod): readonly string[] {
    const { initContainers = [], containers = [] } = spec!;
    const order = [...containers, ...initContainers];
    const recordsOf = (name: string) =>
      this.input.records.filter((record) => !isSandbox(record) && record.labels[labels.containerName] === name);
    const triggers = order.filter((each) => isTrigger(each, this.lastEnd(each.name)));
    const others = order.filter((each) => !triggers.includes(each));
    return [...others, ...triggers].flatMap(({ name }) => recordsOf(name).map(({ id }) => id));
  }

  private anyRunning(): boolean {
    return this.input.records.some((record) => record.state === 'running');
  }

  /** The sandbox has ended, so its containers have no network: end all of them, then start them again. */
  private replaceSandbox(): void {
    const sandboxes = this.input.records.filter(isSandbox);
    if (this.anyRunning()) this.actions.push({ action: 'stop-pod', reason: 'Pod sandbox changed' });
    const attempts = sandboxes.map((record) => restartCountOf(record));
    this.actions.push({ action: 'create-sandbox', attempt: attempts.length === 0 ? 0 : Math.max(...attempts) + 1 });
  }

  private planContainers(): void {
    const { initContainers = [], containers, ephemeralContainers = [] } = this.input.pod.spec!;
    if (this.sandbox) for (const container of ephemeralContainers) this.planEphemeral(container);
    const initialized = containers.some(({ name }) => this.current(name) !== undefined);
    if (initialized) for (const container of initContainers.filter(isSidecar)) this.planOne(container);
    else if (!this.planInit(initContainers)) return;
    for (const container of containers) this.planOne(container);
  }

  /** True when the app containers may start: every init container has succeeded or, as a sidecar, has started. */
  private planInit(initContainers: readonly Container[]): boolean {
    for (const container of initContainers) {
      const record = this.current(container.name);
      if (isSidecar(container)) {
        this.planOne(container);
        if (record?.state !== 'running' || !this.input.started(record.id)) return false;
        continue;
      }
      if (record?.state === 'exited' && record.exitCode === 0) continue;
      this.planOne(container);
      return false;
    }
    return true;
  }

  /** An ephemeral container starts once, whatever state the others are in: it is there to look at them. */
  private planEphemeral(container: Container): void {
    const last = this.latest.get(container.name);
    if (last ? last.state !== 'created' : (this.input.previousStarts?.(container.name) ?? 0) > 0) return;
    if (last) this.actions.push({ action: 'remove-container', id: last.id });
    this.startWhenDue(container, last);
  }

  private planOne(container: Container): void {
    const record = this.current(container.name);
    const last = this.latest.get(container.name);
    if (record?.state === 'running') {
      const message = this.killMessage(container, record);
      if (message) this.actions.push({ action: 'kill-container', id: record.id, name: container.name, message });
      else this.planResize(container, record);
      return;
    }
    // Created but never started, because the kubelet or Docker ended in between. It is created again.
    if (last?.state === 'created') this.actions.push({ action: 'remove-container', id: last.id });
    const again = last !== undefined && this.input.endedForResize?.(last.id) === true;
    if (last?.state === 'exited' && !again && staysEnded(container, this.input.pod, last)) return;
    this.startWhenDue(container, last);
  }

  private planResize(container: Container, record: ContainerRecord): void {
    const { id } = record;
    const { name } = container;
    const way = resizeOf(container, record, this.input.pod.spec?.resources);
    const due = this.input.resizeNotBefore ?? 0;
    if (way === 'update' && due > this.input.now) this.retryAtMs = Math.min(this.retryAtMs ?? due, due);
    else if (way === 'update') this.resizes.push({ id, container });
    if (way !== 'restart') return;
    const message = `Container ${name} resize requires restart`;
    this.actions.push({ action: 'kill-container', id, name, message, resize: true });
  }

  private startWhenDue(container: Container, last: ContainerRecord | undefined): void {
    const due = this.input.notBefore(container.name, last);
    if (due > this.input.now) {
      this.backingOff.push(container.name);
      this.retryAtMs = Math.min(this.retryAtMs ?? due, due);
      return;
    }
    const before = this.input.previousStarts?.(container.name) ?? 0;
    const attempt = !last ? before : last.state === 'created' ? restartCountOf(last) : restartCountOf(last) + 1;
    this.actions.push({ action: 'start-container', container, attempt });
  }

  private killMessage(container: Container, record: ContainerRecord): string | undefined {
    const { name } = container;
    const hash = record.labels[labels.specHash];
    if (hash !== undefined && hash !== specHash(container)) {
      return `Container ${name} definition changed, will be restarted`;
    }
    const verdict = this.input.verdict(record.id);
    if (verdict === 'liveness-failed') return `Container ${name} failed liveness probe, will be restarted`;
    if (verdict === 'startup-failed') return `Container ${name} failed startup probe, will be restarted`;
    return undefined;
  }

  /** The newest record of this container in the running sandbox. */
  private current(name: string): ContainerRecord | undefined {
    const record = this.latest.get(name);
    return this.sandbox && record?.labels[labels.sandboxId] === this.sandbox.id ? record : undefined;
  }

  /** Keeps the newest record of each container, and the last one that ended (for `logs --previous` and lastState). */
  private collectGarbage(): void {
    const kept = new Map<string, number>();
    for (const record of this.input.records) {
      if (isSandbox(record)) {
        if (record.state !== 'running' && (this.sandbox || record !== this.input.records.find(isSandbox))) {
          this.actions.push({ action: 'remove-container', id: record.id });
        }
        continue;
      }
      const name = record.labels[labels.containerName] ?? '';
      const count = kept.get(name) ?? 0;
      if (record.state === 'exited' && count >= 2) this.actions.push({ action: 'remove-container', id: record.id });
      if (record.state !== 'created') kept.set(name, count + 1);
    }
  }
}

const staysEnded = (container: Container, { spec }: Pod, { exitCode = 0 }: ContainerRecord): boolean =>
  afterEnd(container, spec?.restartPolicy, exitCode) === 'stay';

/** True when the end of a container restarts all containers of the pod (KEP-5532). */
export const restartsAll = (pod: Pod, latest: (name: string) => ContainerRecord | undefined): boolean =>
  initAndAppContainers(pod.spec ?? {}).some((container) => isTrigger(container, latest(container.name)));

const isTrigger = (container: Container, record: ContainerRecord | undefined): boolean =>
  record?.state === 'exited' && afterEnd(container, undefined, record.exitCode ?? 0) === 'restart-all';

/**
 * True when no container of the pod will run again: every app container has ended for good, or a run-once init container
 * has failed for good.
 */
function podHasEnded(pod: Pod, latest: (name: string) => ContainerRecord | undefined): boolean {
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  const endedForGood = (container: Container) => {
    const record = latest(container.name);
    return record?.state === 'exited' && staysEnded(container, pod, record) ? record : undefined;
  };
  if (initContainers.some((each) => !isSidecar(each) && (endedForGood(each)?.exitCode ?? 0) !== 0)) return true;
  return containers.every((each) => endedForGood(each) !== undefined);
}
