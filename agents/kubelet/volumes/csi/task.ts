// One set-up of a volume while its driver is connected, and the paths of the volume. Pure.
import type { CSIDriver } from '../../../../controlplane/api';
import type { NodeDriver } from './drivers';
import { devicePublish, deviceStaging, globalMount, stagedFolder } from './layout';
import type { NodeCapability } from './node-service';
import { volumeCapability } from './publish-request';
import type { CsiUse } from './use';

export interface Task {
  readonly use: CsiUse;
  readonly driver: CSIDriver | undefined;
  readonly api: NodeDriver;
  readonly capabilities: ReadonlySet<NodeCapability>;
  readonly context: Readonly<Record<string, string>>;
  readonly needsAttaching: boolean;
  readonly signal: AbortSignal;
}

/** Where the driver shows the volume to the pod. */
export const targetOf = (use: CsiUse, rootDir: string): string =>
  use.isBlock ? devicePublish(rootDir, use.name, use.podUid) : use.path;
/** Where the driver keeps the volume for all pods. */
export const stagingOf = (use: CsiUse, rootDir: string): string =>
  use.isBlock ? deviceStaging(rootDir, use.name) : globalMount(stagedFolder(rootDir, use.driver, use.handle));

export const capabilityOf = (use: CsiUse, capabilities: ReadonlySet<NodeCapability>) =>
  volumeCapability({
    isBlock: use.isBlock,
    fsType: use.fsType,
    mountOptions: use.volume?.spec?.mountOptions,
    accessMode: use.volume?.spec?.accessModes?.[0],
    group: use.pod.spec?.securityContext?.fsGroup,
    capabilities,
  });
