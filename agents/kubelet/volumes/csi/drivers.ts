// The CSI drivers that are registered on this node, and calls to them. Each operation opens a connection of its own and closes it, as
// upstream: a driver that was restarted is reached at once.
import { AppError } from '../../../../controlplane/base/errors';
import { openRpc, type Rpc } from '../../grpc/rpc';
import { machinePath, upstreamPath } from '../node-paths';
import { type NodeCalls, type NodeCapability, nodeCapabilities, nodeService } from './node-service';

/** The longest wait for one answer. As upstream. */
export const csiTimeoutMs = 120_000;

/** One driver, during one operation. */
export interface NodeDriver {
  call<M extends keyof NodeCalls>(method: M, request: NodeCalls[M]['request']): Promise<NodeCalls[M]['response']>;
  capabilities(): Promise<ReadonlySet<NodeCapability>>;
  /** A path below the kubelet's root folder, as the driver's container names it. */
  pathFor(machinePath: string): string;
}

/** The driver may come: the operation is repeated. */
export class DriverMissing extends AppError {
  constructor(name: string) {
    super('Unavailable', `driver name ${name} not found in the list of registered CSI drivers`);
  }
}

interface Registered {
  /** As the driver said it. */
  readonly endpoint: string;
  readonly version: readonly number[];
}

export class CsiDrivers {
  private readonly known = new Map<string, Registered>();
  private readonly handlers: Array<(driver: string) => void> = [];

  constructor(private readonly rootDir: string) {}

  /** Called with the name of a driver that was registered. */
  onRegistered(handler: (driver: string) => void): void {
    this.handlers.push(handler);
  }

  get(name: string): Registered | undefined {
    return this.known.get(name);
  }

  names(): readonly string[] {
    return [...this.known.keys()];
  }

  set(name: string, driver: Registered): void {
    this.known.set(name, driver);
    for (const handler of this.handlers) handler(name);
  }

  delete(name: string): void {
    this.known.delete(name);
  }

  /** Runs one operation. @throws DriverMissing, or what `operation` throws */
  async with<T>(
    name: string,
    signal: AbortSignal | undefined,
    operation: (driver: NodeDriver) => Promise<T>,
  ): Promise<T> {
    const registered = this.known.get(name);
    if (!registered) throw new DriverMissing(name);
    return this.reach(registered.endpoint, signal, operation);
  }

  /** As with(), for a driver that is not registered yet. */
  async reach<T>(
    endpoint: string,
    signal: AbortSignal | undefined,
    operation: (driver: NodeDriver) => Promise<T>,
  ): Promise<T> {
    const socket = machinePath(this.rootDir, endpoint);
    const rpc = await openRpc(socket, nodeService);
    try {
      // The endpoint shows under which path the driver sees the root folder.
      const renamed = socket !== endpoint;
      return await operation(driverOn(rpc, (path) => (renamed ? upstreamPath(this.rootDir, path) : path), signal));
    } finally {
      rpc.close();
    }
  }
}

function driverOn(rpc: Rpc<NodeCalls>, pathFor: NodeDriver['pathFor'], signal: AbortSignal | undefined): NodeDriver {
  const options = signal ? { timeoutMs: csiTimeoutMs, signal } : { timeoutMs: csiTimeoutMs };
  const driver: NodeDriver = {
    call: (method, request) => rpc.call(method, request, options),
    pathFor,
    async capabilities() {
      const { capabilities } = await driver.call('NodeGetCapabilities', {});
      const numbers = new Set(capabilities.map(({ rpc }) => rpc?.type));
      const names = Object.keys(nodeCapabilities) as NodeCapability[];
      return new Set(names.filter((name) => numbers.has(nodeCapabilities[name])));
    },
  };
  return driver;
}
