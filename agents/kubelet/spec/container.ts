// A container of a pod's spec, and the error when it cannot be created. All code that works on containers imports this file.
import { allContainers, type Pod } from '../../../controlplane/api';
import { AppError } from '../../../controlplane/base/errors';

export type Container = NonNullable<Pod['spec']>['containers'][number];

/** A container cannot be created now; `reason` is the waiting reason in its status. */
export class ConfigError extends AppError {
  readonly reason: string;
  constructor(message: string, reason = 'CreateContainerConfigError') {
    super('NotFound', message, { details: { reason } });
    this.reason = reason;
  }
}

/** The app, init or ephemeral container of this name. */
export const findContainer = ({ spec }: Pod, name: string): Container | undefined =>
  allContainers(spec ?? {}).find((each) => each.name === name);

type EphemeralContainer = NonNullable<NonNullable<Pod['spec']>['ephemeralContainers']>[number];

export const findEphemeral = ({ spec }: Pod, name: string): EphemeralContainer | undefined =>
  spec?.ephemeralContainers?.find((each) => each.name === name);
