// Ensures that a container's image is on the node, according to its pull policy, with upstream's reasons and Events.

import type { Clock } from '../../../controlplane/base/clock';
import { describeError, isNotFound } from '../../../controlplane/base/errors';
import type { ContainerRuntime, ImageRecord, RegistryAuth } from '../runtime/runtime';
import { ConfigError } from '../spec/container';
import type { CredentialSource, PullCredentials } from './credentials';
import type { ImageCache } from './image-cache';
import { defaultPullPolicy, parseImageName, withDefaultTag } from './image-name';
import type { PullRecords } from './pull-records';

const initialBackoffMs = 10_000;
const maxBackoffMs = 300_000;
/** How long a pod shows ErrImagePull before ImagePullBackOff. */
const errorShownMs = 3_000;

/** The image is not available now; `reason` is the container's waiting reason, `retryAtMs` the time of the next try. */
export class ImageError extends ConfigError {
  constructor(
    message: string,
    reason: 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError',
    readonly retryAtMs: number,
  ) {
    super(message, reason);
  }
}

export interface PullRequest {
  readonly podUid: string;
  readonly image: string;
  readonly policy?: string;
  /** The pod's own credentials for the image, best first. */
  readonly credentials: () => readonly PullCredentials[];
  /** Writes an Event of the pod. */
  readonly report: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  /** The container's volumes: an image that is present is reported after them, so that a try without volumes reports no image. */
  readonly volumes?: Promise<unknown>;
  readonly signal: AbortSignal;
}

interface Failure {
  readonly delayMs: number;
  readonly retryAtMs: number;
  readonly message: string;
}

export class ImagePuller {
  /** By backOffKey. */
  private readonly failures = new Map<string, Failure>();
  private readonly pulling = new Map<string, Promise<void>>();

  constructor(
    private readonly deps: {
      readonly runtime: ContainerRuntime;
      readonly cache: ImageCache;
      readonly records: PullRecords;
      readonly clock: Clock;
    },
  ) {}

  /** @throws ImageError, or the failure of the volumes */
  async ensure(request: PullRequest): Promise<ImageRecord> {
    const { image, report } = request;
    const now = this.deps.clock.now();
    if (!parseImageName(image)) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
      report('Warning', 'InspectFailed', message);
      report('Warning', 'Failed', 'Error: InvalidImageName');
      throw new ImageError(message, 'InvalidImageName', now + maxBackoffMs);
    }
    const reference = withDefaultTag(image);
    const policy = request.policy ?? defaultPullPolicy(image);
    const present = await this.deps.cache.get(reference);
    const sources = () => request.credentials().map(({ source }) => source);
    if (present && policy !== 'Always' && this.deps.records.allows(reference, present.id, sources)) {
      await request.volumes;
      report(
        'Normal',
        'Pulled',
        `Container image "${image}" already present on machine and can be accessed by the pod`,
      );
      return present;
    }
    // The same answer for an image that is on the node for other pods alone: its presence is a secret too.
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      report('Warning', 'ErrImageNeverPull', message);
      report('Warning', 'Failed', 'Error: ErrImageNeverPull');
      throw new ImageError(message, 'ErrImageNeverPull', now + initialBackoffMs);
    }
    return this.pull(reference, request);
  }

  private async pull(reference: string, request: PullRequest): Promise<ImageRecord> {
    const { image, report, signal } = request;
    const { clock, cache, records } = this.deps;
    const failed = this.failures.get(backOffKey(request, reference));
    if (failed && failed.retryAtMs > clock.now()) {
      report('Normal', 'BackOff', `Back-off pulling image "${image}"`);
      report('Warning', 'Failed', 'Error: ImagePullBackOff');
      const message = `Back-off pulling image "${image}": ErrImagePull: ${failed.message}`;
      throw new ImageError(message, 'ImagePullBackOff', failed.retryAtMs);
    }
    report('Normal', 'Pulling', `Pulling image "${image}"`);
    const began = clock.now();
    await records.begin(reference);
    let recorded = false;
    try {
      const source = await this.withFirstThatFits(reference, request);
      cache.clear();
      const found = await cache.get(reference);
      if (!found) throw new Error(`image ${image} is not there after its pull`);
      records.succeeded(reference, found.id, source);
      recorded = true;
      void this.forgetRemoved();
      this.failures.delete(backOffKey(request, reference));
      const took = formatSeconds(clock.now() - began);
      report(
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${found.sizeBytes} bytes.`,
      );
      return found;
    } catch (err) {
      signal.throwIfAborted();
      throw this.failure(reference, request, err);
    } finally {
      if (!recorded) records.failed(reference);
    }
  }

  /** Pulls with one credential after another; a pod without any pulls as anonymous. Resolves with what the registry accepted. */
  private async withFirstThatFits(reference: string, request: PullRequest): Promise<CredentialSource | undefined> {
    const credentials = request.credentials();
    if (credentials.length === 0) {
      await this.shared(reference, undefined, request.signal);
      return undefined;
    }
    const failures = new Map<string, unknown>();
    for (const { auth, source } of credentials) {
      try {
        await this.shared(reference, auth, request.signal);
        return source;
      } catch (err) {
        request.signal.throwIfAborted();
        failures.set((err as Error).message, err);
      }
    }
    if (failures.size === 1) throw [...failures.values()][0];
    throw new Error(`[${[...failures.keys()].join(', ')}]`);
  }

  /** Records of images that the image collection or an administrator removed. */
  private async forgetRemoved(): Promise<void> {
    const { runtime, records } = this.deps;
    // The list comes second: an image that is pulled meanwhile has no record in the first.
    const known = records.known();
    const present = await runtime.images().catch(() => undefined);
    if (!present) return;
    const ids = new Set(present.map(({ id }) => id));
    records.forget(known.filter((id) => !ids.has(id)));
  }

  /** Pods that need the same image at the same time with the same credentials share one pull. */
  private async shared(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<void> {
    // The pod may be deleted while the record of the pull is written: an abort that came before is no event any more.
    signal.throwIfAborted();
    const key = `${reference}\0${JSON.stringify(auth ?? null)}`;
    let pull = this.pulling.get(key);
    if (!pull) {
      pull = this.deps.runtime.pull(reference, auth).finally(() => this.pulling.delete(key));
      this.pulling.set(key, pull);
      // The pull may fail after all its waiting callers were aborted; then no caller handles the failure.
      pull.catch(() => {});
    }
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([pull, aborted]);
  }

  private failure(reference: string, request: PullRequest, err: unknown): ImageError {
    const { image, report } = request;
    const key = backOffKey(request, reference);
    const last = this.failures.get(key);
    const delayMs = last ? Math.min(maxBackoffMs, last.delayMs * 2) : initialBackoffMs;
    const said = describeError(isNotFound(err) ? new Error((err as Error).message) : err);
    const message = `failed to pull image "${image}": ${said}`;
    const now = this.deps.clock.now();
    for (const [old, { retryAtMs }] of this.failures) if (retryAtMs + maxBackoffMs < now) this.failures.delete(old);
    this.failures.set(key, { delayMs, retryAtMs: now + delayMs, message });
    report('Warning', 'Failed', `Failed to pull image "${image}": ${said}`);
    report('Warning', 'Failed', 'Error: ErrImagePull');
    // A request this soon after gets ImagePullBackOff, which the status shows until the next attempt.
    return new ImageError(message, 'ErrImagePull', now + errorShownMs);
  }
}

/**
 * Each pod has its own back-off, as upstream: a pod without the right credentials must not delay other pods. A uid has no
 * slash.
 */
const backOffKey = ({ podUid }: PullRequest, reference: string): string => `${podUid}/${reference}`;

const formatSeconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(3)}s`);
