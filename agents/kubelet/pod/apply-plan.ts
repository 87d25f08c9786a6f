// Carries out the plan of one pod, with one handler per action: the compiler refuses an action without a handler. Failures become Events,
// waiting reasons, or the failure of the pass.
import type { Pod } from '../../../controlplane/api';
import { describeError } from '../../../controlplane/base/errors';
import { podIpsOf } from '../runtime/labels';
import type { NodeFacts } from '../spec/field-ref';
import { VolumesFailed } from '../volumes/failures';
import type { ContainerStarts } from './container-starts';
import type { PodDeps } from './deps';
import type { ObservedPod } from './observed-pod';
import type { PodAction, PodActions } from './plan';
import type { PodStopper } from './pod-stopper';
import { resizeContainers, resizeGroup } from './resize-containers';
import { failsElsewhere, type SandboxStart, startSandbox } from './sandbox';
import { StartFailure, startContainer } from './starter';
import type { VolumeSchedule } from './volume-schedule';

/** The actions of one stage are carried out at the same time; the next stage waits for them. */
type Stage = 'stop' | 'clear' | 'sandbox' | 'start';

interface Handler<A extends keyof PodActions> {
  readonly stage: Stage;
  readonly run: (action: PodAction<A>, pass: Pass) => Promise<void>;
}

/** What the handlers of one pass share. */
interface Pass {
  readonly pod: Pod;
  readonly signal: AbortSignal;
  /** The running sandbox, or the sandbox that starts in this pass. */
  sandbox: SandboxStart | undefined;
  volumes: Promise<number | undefined>;
}

export interface PlanExecutorParts {
  readonly observed: ObservedPod;
  readonly stopper: PodStopper;
  readonly starts: ContainerStarts;
  readonly volumes: VolumeSchedule;
  /** Containers that end only to start with other resources. */
  readonly endedForResize: Set<string>;
  /** Starts so far of containers that were removed because all containers restart, by name. */
  readonly resets: Map<string, number>;
  /** Called after a change that the status shows. */
  readonly changed: () => void;
  /** Requests another pass at once. */
  readonly again: () => void;
}

export class PlanExecutor {
  private comingIps: readonly string[] = [];

  constructor(
    private readonly deps: PodDeps,
    private readonly parts: PlanExecutorParts,
  ) {}

  /** IPs of a sandbox still starting; published early so that kube-proxy can program policies before the first packet. */
  get startingIps(): readonly string[] {
    return this.comingIps;
  }

  /**
   * Resolves when all its work has ended, to the time at which volumes are due again, if any. @throws the signal's reason, or the
   * failure of the sandbox, the volumes or the runtime
   */
  async apply(pod: Pod, actions: readonly PodAction[], signal: AbortSignal): Promise<number | undefined> {
    const pass: Pass = { pod, signal, sandbox: undefined, volumes: Promise.resolve(undefined) };
    for (const stage of ['stop', 'clear', 'sandbox'] as const) await Promise.all(this.begin(stage, actions, pass));
    if (!pass.sandbox) await this.adjustGroup(pod, actions);
    pass.sandbox ??= runningSandbox(this.parts.observed);
    if (!pass.sandbox) return undefined;
    pass.volumes = this.parts.volumes.setUp(pod, this.facts(pass.sandbox.podIps), signal);
    // The next pass may remove the pod's folder, so all writes and mounts of this pass must end first.
    const [, ...starts] = await Promise.allSettled([pass.volumes, ...this.begin('start', actions, pass)]);
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed) throw failed.reason;
    await this.reported(
      pass,
      pass.sandbox.ready,
      'FailedCreatePodSandBox',
      (said) => `Failed to create pod sandbox: ${said}`,
    );
    return this.mounted(pass);
  }

  private readonly handlers: { readonly [A in keyof PodActions]: Handler<A> } = {
    'stop-pod': {
      stage: 'stop',
      run: async ({ reason, graceSeconds }, { pod }) => {
        await this.parts.stopper.stopPod(pod, reason, graceSeconds);
        await this.deps.cgroups.remove(pod.metadata?.uid ?? '');
      },
    },
    'remove-container': {
      stage: 'clear',
      run: ({ id }) => this.parts.stopper.remove(id),
    },
    'kill-container': {
      stage: 'clear',
      run: (action, { pod }) => {
        if (action.resize) this.parts.endedForResize.add(action.id);
        return this.parts.stopper.kill(pod, action);
      },
    },
    'restart-all-containers': {
      stage: 'stop',
      run: async ({ ids }, { pod }) => {
        const { stopper, resets, again } = this.parts;
        await stopper.reset(pod, ids, (name, starts) => resets.set(name, starts));
        again();
      },
    },
    'resize-containers': {
      // At the same time as the starts: what a container may use does not delay another one.
      stage: 'start',
      run: async ({ resizes }, { pod, signal }) => {
        try {
          await resizeContainers(this.deps, pod, resizes);
          await this.deps.cgroups.ensure(pod);
        } catch (err) {
          signal.throwIfAborted();
          this.deps.resizes.failed(pod, describeError(err));
          // The next pass finds out when the resize is due again.
          this.parts.again();
        }
        this.parts.changed();
      },
    },
    'create-sandbox': {
      stage: 'sandbox',
      // Not awaited: containers are created while the sandbox starts.
      run: async ({ attempt }, pass) => {
        pass.sandbox = this.startSandbox(pass.pod, attempt);
      },
    },
    'start-container': {
      stage: 'start',
      run: (action, pass) => this.start(action, pass),
    },
  };

  /**
   * The group of a pod that runs: a restarted kubelet does not know it, and a resize changes it. It grows before the containers, and
   * shrinks after them. A failure is not one of the pod, which runs.
   */
  private async adjustGroup(pod: Pod, actions: readonly PodAction[]): Promise<void> {
    if (!this.parts.observed.sandbox) return;
    const { cgroups, log } = this.deps;
    if (!cgroups.has(pod) && !actions.some(({ action }) => action === 'resize-containers'))
      return this.resizeGroup(pod);
    const resizes = actions.some((action) => action.action === 'resize-containers');
    await (resizes ? cgroups.raise(pod) : cgroups.ensure(pod)).catch((error: unknown) => {
      log.warn('the cgroup of a pod was not changed; its next pass tries again', { pod: pod.metadata?.uid, error });
    });
  }

  /** The resources of the pod itself have changed, and no running container gets more or less. */
  private async resizeGroup(pod: Pod): Promise<void> {
    const { resizes, clock } = this.deps;
    if (resizes.notBefore(pod.metadata?.uid ?? '') > clock.now()) return;
    await resizeGroup(this.deps, pod).catch((err: unknown) => resizes.failed(pod, describeError(err)));
    this.parts.changed();
  }

  private begin(stage: Stage, actions: readonly PodAction[], pass: Pass): Promise<void>[] {
    return actions
      .filter(({ action }) => this.handlers[action].stage === stage)
      .map((action) => this.handle(action, pass));
  }

  private handle<A extends keyof PodActions>(action: PodAction<A>, pass: Pass): Promise<void> {
    return this.handlers[action.action].run(action, pass);
  }

  private startSandbox(pod: Pod, attempt: number): SandboxStart {
    const sandbox = startSandbox(this.deps, pod, attempt);
    this.comingIps = sandbox.podIps;
    const settle = () => {
      this.comingIps = [];
    };
    sandbox.ready.then(settle, settle);
    this.parts.changed();
    return sandbox;
  }

  private async start({ container, attempt }: PodAction<'start-container'>, pass: Pass): Promise<void> {
    const { observed, starts, again } = this.parts;
    const { pod, signal, volumes } = pass;
    const sandbox = pass.sandbox!;
    const { podIps } = sandbox;
    const { name } = container;
    starts.begins(name, observed.newest(name));
    try {
      const facts = this.facts(podIps);
      await startContainer(this.deps, { pod, container, attempt, sandbox, volumes, podIp: podIps[0], facts, signal });
      starts.succeeded(name);
    } catch (err) {
      if (!(err instanceof StartFailure)) throw err;
      // In this case the failure of the sandbox or the volumes fails the pass.
      if (await failsElsewhere({ sandbox, volumes })) return;
      if (starts.failed(name, err)) again();
    } finally {
      starts.ended(name);
    }
  }

  /** A failure becomes an Event, unless the pass was interrupted. */
  private async reported<T>(
    { pod, signal }: Pass,
    work: Promise<T>,
    reason: string,
    message: (said: string) => string,
  ): Promise<T> {
    try {
      return await work;
    } catch (err) {
      signal.throwIfAborted();
      this.deps.events.record(pod, 'Warning', reason, message(describeError(err)));
      throw err;
    }
  }

  /** Each volume that cannot be used becomes an Event of its own. */
  private async mounted({ pod, signal, volumes }: Pass): Promise<number | undefined> {
    try {
      return await volumes;
    } catch (err) {
      signal.throwIfAborted();
      const messages = err instanceof VolumesFailed ? err.events : [describeError(err)];
      for (const message of messages) this.deps.events.record(pod, 'Warning', 'FailedMount', message);
      throw err;
    }
  }

  /** A pod on the node's network has the node's addresses. */
  private facts(podIps: readonly string[]): NodeFacts {
    const { nodeIps, allocatable } = this.deps.node;
    return { nodeIps, allocatable, podIps: podIps.length > 0 ? podIps : nodeIps };
  }
}

function runningSandbox({ sandbox }: ObservedPod): SandboxStart | undefined {
  if (!sandbox) return undefined;
  return { podIps: podIpsOf(sandbox), created: Promise.resolve(sandbox.id), ready: Promise.resolve() };
}
