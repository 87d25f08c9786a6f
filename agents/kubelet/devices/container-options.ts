// What a container gets of its devices: the answers of all its plug-ins together. Pure.
import type { Device, Mount } from '../runtime/runtime';
import type { ContainerResponse } from './plugin-api';

export interface DeviceOptions {
  readonly envs: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly annotations: Readonly<Record<string, string>>;
}

export const noDeviceOptions: DeviceOptions = { envs: new Map(), mounts: [], devices: [], annotations: {} };

/** Of two answers with the same variable, path or annotation the first counts, as upstream. */
export function deviceOptions(responses: readonly ContainerResponse[]): DeviceOptions {
  const envs = new Map<string, string>();
  const mounts = new Map<string, Mount>();
  const devices = new Map<string, Device>();
  const annotations = new Map<string, string>();
  const put = <V>(map: Map<string, V>, key: string, value: V) => {
    if (!map.has(key)) map.set(key, value);
  };
  for (const response of responses) {
    for (const [name, value] of Object.entries(response.envs)) put(envs, name, value);
    for (const { containerPath, hostPath, readOnly } of response.mounts) {
      put(mounts, containerPath, { containerPath, hostPath, readOnly });
    }
    for (const { containerPath, hostPath, permissions } of response.devices) {
      put(devices, containerPath, { containerPath, hostPath, readOnly: false, permissions });
    }
    for (const [name, value] of Object.entries(response.annotations)) put(annotations, name, value);
  }
  return {
    envs,
    mounts: [...mounts.values()],
    devices: [...devices.values()],
    annotations: Object.fromEntries(annotations),
  };
}
