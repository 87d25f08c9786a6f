// A device plug-in that a test plays: it serves the plug-in's socket and registers with a kubelet.
import { basename, dirname, join } from 'node:path';
import {
  type ContainerResponse,
  type PluginDevice,
  type PluginOptions,
  pluginService,
  registrationService,
} from '../../agents/kubelet/devices/plugin-api';
import { openRpc } from '../../agents/kubelet/grpc/rpc';
import { refuse, serveGrpc } from './grpc-server';

export interface PlayedPlugin {
  /** What the kubelet called, in order. */
  readonly calls: string[];
  devices(...devices: readonly (string | PluginDevice)[]): void;
  stop(): Promise<void>;
}

export interface PluginPlay {
  readonly options?: PluginOptions;
  readonly answer?: (devices: readonly string[]) => Partial<ContainerResponse>;
  readonly prefers?: readonly string[];
  /** The message of a refused PreStartContainer. */
  readonly preStartFails?: string;
}

const noOptions: PluginOptions = { preStartRequired: false, getPreferredAllocationAvailable: false };

/** @throws RpcError with the kubelet's refusal */
export async function registerPlugin(kubeletSocket: string, request: object): Promise<void> {
  const rpc = await openRpc(kubeletSocket, registrationService);
  try {
    await rpc.call('Register', request as never, { timeoutMs: 60_000 });
  } finally {
    rpc.close();
  }
}

/** Serves and registers. */
export async function playPlugin(
  kubeletSocket: string,
  resourceName: string,
  first: readonly (string | PluginDevice)[],
  { options = noOptions, answer = () => ({}), prefers, preStartFails }: PluginPlay = {},
): Promise<PlayedPlugin> {
  const calls: string[] = [];
  const listeners = new Set<(devices: readonly PluginDevice[]) => void>();
  const full = (devices: readonly (string | PluginDevice)[]): PluginDevice[] =>
    devices.map((device) => (typeof device === 'string' ? { ID: device, health: 'Healthy' } : device));
  let now = full(first);
  const socket = join(dirname(kubeletSocket), `${resourceName.replace('/', '-')}.sock`);
  const stop = await serveGrpc(
    socket,
    pluginService,
    {
      GetDevicePluginOptions: () => options,
      Allocate: ({ containerRequests: [request] }) => {
        const ids = request?.devicesIds ?? [];
        calls.push(`Allocate ${ids.join(' ')}`);
        return { containerResponses: [answer(ids)] };
      },
      GetPreferredAllocation: ({ containerRequests: [request] }) => {
        calls.push(`GetPreferredAllocation ${request!.availableDeviceIDs.join(' ')} ${request!.allocationSize}`);
        return { containerResponses: [{ deviceIDs: prefers ?? [] }] };
      },
      PreStartContainer: ({ devicesIds }) => {
        calls.push(`PreStartContainer ${devicesIds.join(' ')}`);
        return preStartFails ? refuse(2, preStartFails) : {};
      },
    },
    {
      ListAndWatch: (send) => {
        const listener = (devices: readonly PluginDevice[]) => send({ devices });
        listener(now);
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  );
  await registerPlugin(kubeletSocket, { version: 'v1beta1', endpoint: basename(socket), resourceName });
  return {
    calls,
    stop,
    devices: (...devices) => {
      now = full(devices);
      for (const listener of listeners) listener(now);
    },
  };
}
