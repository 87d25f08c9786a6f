// The connection to one device plug-in: its options, the stream of its devices, and the calls for containers.
import { AppError, describeError } from '../../../controlplane/base/errors';
import { openRpc, type Rpc } from '../grpc/rpc';
import {
  type ContainerResponse,
  type PluginCalls,
  type PluginDevice,
  type PluginOptions,
  pluginService,
} from './plugin-api';

// Upstream waits without a limit for an allocation. All pods with devices would wait behind it.
const allocateTimeoutMs = 120_000;
const preferTimeoutMs = 30_000;
/** As upstream. */
const preStartTimeoutMs = 30_000;
const connectTimeoutMs = 10_000;

export interface WatchedPlugin {
  readonly onDevices: (devices: readonly PluginDevice[]) => void;
  /** The stream has ended: the plug-in is gone. Not called after close(). */
  readonly onEnd: () => void;
}

export class DevicePlugin {
  private readonly closing = new AbortController();

  private constructor(
    readonly resource: string,
    readonly socketPath: string,
    private readonly rpc: Rpc<PluginCalls>,
    private readonly options: PluginOptions,
  ) {}

  /** @throws Unavailable with upstream's words */
  static async connect(resource: string, socketPath: string): Promise<DevicePlugin> {
    const rpc = await openRpc(socketPath, pluginService);
    try {
      const options = await rpc.call('GetDevicePluginOptions', {}, { timeoutMs: connectTimeoutMs });
      return new DevicePlugin(resource, socketPath, rpc, options);
    } catch (cause) {
      rpc.close();
      throw new AppError('Unavailable', `failed to get device plugin options: ${describeError(cause)}`, { cause });
    }
  }

  /** Reports each list of devices until the plug-in goes. */
  watch({ onDevices, onEnd }: WatchedPlugin): void {
    const { signal } = this.closing;
    const ended = () => {
      if (signal.aborted) return;
      this.close();
      onEnd();
    };
    this.rpc.watch('ListAndWatch', {}, { signal, onAnswer: ({ devices }) => onDevices(devices) }).then(ended, ended);
  }

  get closed(): boolean {
    return this.closing.signal.aborted;
  }

  /** Empty when the plug-in has no preference. @throws Unavailable with upstream's words */
  async preferred(available: readonly string[], taken: readonly string[], count: number): Promise<readonly string[]> {
    if (!this.options.getPreferredAllocationAvailable) return [];
    const request = { availableDeviceIDs: available, mustIncludeDeviceIDs: taken, allocationSize: count };
    try {
      const { containerResponses } = await this.rpc.call(
        'GetPreferredAllocation',
        { containerRequests: [request] },
        { timeoutMs: preferTimeoutMs },
      );
      return containerResponses[0]?.deviceIDs ?? [];
    } catch (cause) {
      const why = `device plugin GetPreferredAllocation rpc failed with err: ${describeError(cause)}`;
      throw new AppError('Unavailable', why, { cause });
    }
  }

  /** @throws RpcError, or Unavailable with upstream's words */
  async allocate(devices: readonly string[]): Promise<ContainerResponse> {
    const request = { containerRequests: [{ devicesIds: devices }] };
    const { containerResponses } = await this.rpc.call('Allocate', request, { timeoutMs: allocateTimeoutMs });
    const [response] = containerResponses;
    if (!response) throw new AppError('Unavailable', 'no containers return in allocation response ');
    if (response.cdiDevices.length === 0) return response;
    const names = response.cdiDevices.map(({ name }) => name).join(', ');
    throw new AppError('Unavailable', `the container runtime docker does not support CDI devices: ${names}`);
  }

  /** @throws Unavailable with upstream's words */
  async preStart(devices: readonly string[]): Promise<void> {
    if (!this.options.preStartRequired) return;
    try {
      await this.rpc.call('PreStartContainer', { devicesIds: devices }, { timeoutMs: preStartTimeoutMs });
    } catch (cause) {
      const why = `device plugin PreStartContainer rpc failed with err: ${describeError(cause)}`;
      throw new AppError('Unavailable', why, { cause });
    }
  }

  close(): void {
    this.closing.abort(new Error('the device plug-in is disconnected'));
    this.rpc.close();
  }
}
