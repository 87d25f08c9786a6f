// Why volumes of a pod cannot be used, and the texts of upstream's Events about it. Pure.
import { describeError } from '../../../controlplane/base/errors';
import { VolumeError } from './payload';

/** A volume is known, but a step before its set-up fails. `step` is how upstream's Event begins. */
export class StepError extends VolumeError {
  constructor(
    readonly step: string,
    message: string,
    /** The name of the PersistentVolume. */
    readonly volumeName?: string,
  ) {
    super(message);
  }
}

/** The claim of a volume, or the PersistentVolume of the claim, is not usable: it is not known what to mount. */
export class ClaimError extends VolumeError {}

/** The attach-detach controller, or the attacher of a driver, has not attached the volume yet. */
export class NotAttached extends VolumeError {
  constructor() {
    super('context deadline exceeded');
  }
}

export interface FailedVolume {
  /** The volume's name in the pod. */
  readonly name: string;
  /** The name in the Event: that of the PersistentVolume, if there is one. */
  readonly shownName: string;
  readonly isDevice: boolean;
  readonly error: unknown;
}

/** Volumes of one pod cannot be used. There is one Event, FailedMount, for each of `events`. */
export class VolumesFailed extends VolumeError {
  readonly events: readonly string[];
  constructor(
    readonly failed: readonly FailedVolume[],
    events = failureEvents(failed),
  ) {
    super(events.join('; '));
    this.events = events;
  }

  /** The same failure after a long time. Volumes of unknown claims, and those that are not attached, have such an Event anyway. */
  late(): VolumesFailed {
    if (this.failed.some(({ error }) => error instanceof ClaimError || error instanceof NotAttached)) return this;
    const none = { detached: [], unknown: [] };
    return new VolumesFailed(this.failed, [
      ...this.events,
      unableToMount(this.failed, none, 'context deadline exceeded'),
    ]);
  }
}

function failureEvents(failed: readonly FailedVolume[]): string[] {
  const unknown = failed.filter(({ error }) => error instanceof ClaimError);
  const detached = failed.filter(({ error }) => error instanceof NotAttached);
  const events = failed.filter((each) => !unknown.includes(each) && !detached.includes(each)).map(mountFailed);
  if (detached.length > 0) events.push(unableToMount(failed, { detached, unknown: [] }, 'context deadline exceeded'));
  if (unknown.length === 0) return events;
  const why = unknown.map(({ error }) => describeError(error)).join('; ');
  return [...events, unableToMount(failed, { detached: [], unknown }, why)];
}

function mountFailed({ shownName, isDevice, error }: FailedVolume): string {
  const usual = isDevice ? 'MapVolume.SetUpDevice failed' : 'MountVolume.SetUp failed';
  const step = error instanceof StepError ? error.step : usual;
  return `${step} for volume "${shownName}" : ${describeError(error)}`;
}

interface Unable {
  /** Those that are not attached to the node. */
  readonly detached: readonly FailedVolume[];
  /** Those whose claim is not usable. */
  readonly unknown: readonly FailedVolume[];
}

function unableToMount(failed: readonly FailedVolume[], { detached, unknown }: Unable, why: string): string {
  const names = (volumes: readonly FailedVolume[]) =>
    `[${volumes
      .map(({ name }) => name)
      .sort()
      .join(' ')}]`;
  const counts = `unmounted volumes=${names(failed)}, unattached volumes=${names(detached)}, failed to process volumes=${names(unknown)}`;
  return `Unable to attach or mount volumes: ${counts}: ${why}`;
}
