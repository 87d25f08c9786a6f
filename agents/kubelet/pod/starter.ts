// Starts one container of a pod: image, environment, mounts, create, start, postStart hook. Failures become waiting reasons.
import { graceSecondsOf, type Pod } from '../../../controlplane/api';
import { AppError, describeError, isUnavailable } from '../../../controlplane/base/errors';
import { type DeviceOptions, noDeviceOptions } from '../devices/container-options';
import { credentialsFor } from '../images/credentials';
import { ImageError } from '../images/image-puller';
import { runtimeHandlerOf } from '../runtime/labels';
import { ConfigError, type Container } from '../spec/container';
import { containerSpec } from '../spec/container-spec';
import { containerEnv } from '../spec/env';
import type { NodeFacts } from '../spec/field-ref';
import { VolumeError } from '../volumes/payload';
import { aboutContainer } from './container-event';
import type { PodDeps } from './deps';
import { readEnvFiles } from './env-files';
import { runHook } from './hooks';
import { showImageVolumes } from './image-volumes';
import { prepareMounts } from './mounts';
import { createContainer } from './sandbox';
import { seccompProfile } from './seccomp-profile';
import type { WaitingReason } from './status-input';
import { targetOf } from './target';
import { watchProbes } from './watch-probes';

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly facts: NodeFacts;
  readonly podIp: string | undefined;
  /** Resolves when the volumes can be mounted. */
  readonly volumes: Promise<unknown>;
  readonly sandbox: { readonly created: Promise<string>; readonly ready: Promise<void> };
  readonly signal: AbortSignal;
}

/** The container does not run; it may be tried again from `retryAtMs` on. */
export class StartFailure extends AppError {
  constructor(
    readonly waiting: WaitingReason,
    readonly retryAtMs: number,
    options: { cause: unknown },
  ) {
    super('Unavailable', `${waiting.reason}: ${waiting.message}`, options);
  }
}

/** A refused configuration is tried again when an object that it refers to changes, and at the latest after this. */
const configRetryMs = 10_000;
const runtimeRetryMs = 1_000;

/** @throws StartFailure, or the signal's reason */
export async function startContainer(deps: PodDeps, request: StartRequest): Promise<void> {
  const { pod, container } = request;
  let id: string | undefined;
  let step: 'CreateContainerError' | 'RunContainerError' = 'CreateContainerError';
  try {
    id = await create(deps, request);
    deps.events.record(pod, 'Normal', 'Created', 'Container created', aboutContainer(pod, container.name));
    await request.sandbox.ready;
    request.signal.throwIfAborted();
    step = 'RunContainerError';
    await deps.starts.run(() => deps.runtime.start(id!));
  } catch (err) {
    request.signal.throwIfAborted();
    throw await failure(deps, request, { err, id, step });
  }
  await afterStart(deps, request, id);
}

async function create(deps: PodDeps, request: StartRequest): Promise<string> {
  const { pod, container, facts, signal } = request;
  const about = aboutContainer(pod, container.name);
  const pull = (reference: string, policy: string | undefined, volumes?: Promise<unknown>) =>
    deps.puller.ensure({
      podUid: pod.metadata?.uid ?? '',
      image: reference,
      policy,
      credentials: () => credentialsFor(reference, pullSecrets(deps, pod)),
      report: (type, reason, message) => deps.events.record(pod, type, reason, message, about),
      volumes,
      signal,
    });
  // The volumes wait for the same objects, at the same time. A pull without the pod's credentials would fail and be delayed.
  if (pod.spec?.imagePullSecrets?.length) await deps.volumes.watchReferences(pod, signal);
  // Before the rest, so that no failure of the rest ends this pass while a mount is still being made.
  await showImageVolumes(deps, request, pull);
  const { image: reference = '', imagePullPolicy } = container;
  const [image] = await Promise.all([pull(reference, imagePullPolicy, request.volumes), request.volumes]);
  const env = containerEnv(pod, container, {
    configMap: (name) => deps.volumes.configMap(pod, name),
    secret: (name) => deps.volumes.secret(pod, name),
    services: deps.services(),
    file: await readEnvFiles(deps, pod, container),
    facts,
  });
  const given = (await optionsOf(deps, pod, container)) ?? noDeviceOptions;
  const { mounts, devices, terminationLog } = await prepareMounts(deps, pod, container, env);
  const seccomp = await seccompProfile(deps, pod, container);
  const sandboxId = await request.sandbox.created;
  signal.throwIfAborted();
  // The sandbox remembers it: its class may have been replaced since, by one with another handler.
  const sandbox = deps.records.get(sandboxId);
  const handler = sandbox && runtimeHandlerOf(sandbox);
  const { memoryBytes: nodeMemoryBytes, lowestOomScore } = deps.node;
  const { attempt } = request;
  const targetId = targetOf(pod, container.name, deps.records.ofPod(pod.metadata?.uid ?? ''));
  const cgroupParent = await deps.cgroups.parentOf(pod);
  const of = { pod, container, attempt, sandboxId, targetId, handler, cgroupParent, seccomp };
  const withDevices = {
    // A variable of the pod's spec is used instead of a plug-in's of the same name, as upstream.
    env: new Map([...given.envs, ...env]),
    mounts: [...given.mounts, ...mounts],
    devices: [...given.devices, ...devices],
    annotations: given.annotations,
  };
  return createContainer(
    deps,
    containerSpec({ ...of, ...withDevices, image, terminationLog, nodeMemoryBytes, lowestOomScore }),
  );
}

/** @throws ConfigError with the words of a device plug-in */
async function optionsOf({ devices }: PodDeps, pod: Pod, container: Container): Promise<DeviceOptions | undefined> {
  try {
    return await devices.optionsFor(pod, container);
  } catch (err) {
    throw new ConfigError(describeError(err));
  }
}

const pullSecrets = (deps: PodDeps, pod: Pod) =>
  (pod.spec?.imagePullSecrets ?? []).flatMap(({ name = '' }) => deps.volumes.secret(pod, name) ?? []);

async function afterStart(deps: PodDeps, request: StartRequest, id: string): Promise<void> {
  const { pod, container, podIp, signal } = request;
  const postStart = container.lifecycle?.postStart;
  deps.records.markStarted(id, deps.clock.now());
  const about = aboutContainer(pod, container.name);
  deps.events.record(pod, 'Normal', 'Started', 'Container started', about);
  if (postStart) {
    try {
      await runHook(deps, postStart, { pod, container, containerId: id, podIp }, signal);
    } catch (err) {
      signal.throwIfAborted();
      const message = `PostStartHook failed: ${describeError(err)}`;
      deps.events.record(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', about);
      deps.events.record(pod, 'Normal', 'Killing', 'FailedPostStartHook', about);
      await deps.runtime.stop(id, graceSecondsOf(pod.spec));
      throw new StartFailure({ reason: 'PostStartHookError', message }, deps.clock.now(), { cause: err });
    }
  }
  watchProbes(deps, pod, container, deps.records.get(id), podIp);
}

interface Failed {
  readonly err: unknown;
  readonly id: string | undefined;
  readonly step: 'CreateContainerError' | 'RunContainerError';
}

async function failure(
  deps: PodDeps,
  { pod, container }: StartRequest,
  { err, id, step }: Failed,
): Promise<StartFailure> {
  const now = deps.clock.now();
  const about = aboutContainer(pod, container.name);
  if (err instanceof ImageError) {
    return new StartFailure({ reason: err.reason, message: err.message }, err.retryAtMs, { cause: err });
  }
  const message = describeError(err);
  if (err instanceof ConfigError) {
    deps.events.record(pod, 'Warning', 'Failed', `Error: ${message}`, about);
    return new StartFailure({ reason: err.reason, message }, now + configRetryMs, { cause: err });
  }
  const retry = isUnavailable(err) ? runtimeRetryMs : configRetryMs;
  if (step === 'RunContainerError' && id) {
    deps.events.record(pod, 'Warning', 'Failed', `Error: ${message}`, about);
    // A Docker that does not answer says nothing about the container. A refusal counts as a failed run, with back-off.
    if (!isUnavailable(err)) deps.records.markStartFailed(id, now, message);
    return new StartFailure({ reason: step, message }, isUnavailable(err) ? now + retry : now, { cause: err });
  }
  if (id)
    await deps.runtime.remove(id).then(
      () => deps.records.remove(id),
      () => {},
    );
  // The Event FailedMount of the pod already reports a volume that cannot be mounted.
  else if (!(err instanceof VolumeError)) deps.events.record(pod, 'Warning', 'Failed', `Error: ${message}`, about);
  return new StartFailure({ reason: step, message }, now + retry, { cause: err });
}
