// Registers the plug-ins whose sockets appear in ROOT/plugins_registry, and takes back the registration of those that go. Promises:
//   1. Each socket has its own tries and its own back-off: a plug-in that hangs delays no other one.
//   2. A plug-in hears of each try whether it is registered, and if not, why.
//   3. A socket that is made again under the same path is registered again.
//   4. A plug-in whose socket goes while it registers is not left registered.
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../../controlplane/base/clock';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { WorkQueue } from '../../../controlplane/client/work-queue';
import { openRpc, type Rpc } from '../grpc/rpc';
import type { Part } from '../part';
import { type PluginInfo, type RegistrationCalls, registrationService } from './registration-api';
import { socketsIn, watchFolder } from './socket-folder';

/** The kubelet's side of one type of plug-in. */
export interface PluginHandler {
  /** Looks at what the plug-in says of itself, and calls nothing. @throws why this kubelet does not register it */
  validate(plugin: PluginInfo): void;
  /** Repeatable. @throws why the plug-in is not registered; then deregister() is not called */
  register(plugin: PluginInfo, signal: AbortSignal): Promise<void>;
  /** The plug-in's socket is gone. Repeatable. */
  deregister(plugin: PluginInfo): Promise<void>;
}

export interface PluginWatcherDeps {
  readonly folder: string;
  readonly handlers: Readonly<Record<string, PluginHandler>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** As upstream. */
const infoTimeoutMs = 1_000;
const notifyTimeoutMs = 5_000;
const retry = { initialMs: 500, maxMs: 122_000 };
/** inotify reports changes; this look at the folder is for events that were lost. */
const lookMs = 60_000;
/** More plug-ins than any node has; each may wait for its answers at the same time. */
const maxAtOnce = 32;

interface Registered {
  readonly identity: string;
  readonly plugin: PluginInfo;
}

export class PluginWatcher implements Part {
  private found: ReadonlyMap<string, string> = new Map();
  private readonly registered = new Map<string, Registered>();
  private readonly queue: WorkQueue;

  constructor(private readonly deps: PluginWatcherDeps) {
    const { clock, log } = deps;
    this.queue = new WorkQueue({
      clock,
      backoff: retry,
      onRetry: (socket, error, retryMs) =>
        log.warn('plug-in is not registered, will retry', { socket, error, retryMs }),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await mkdir(this.deps.folder, { recursive: true, mode: 0o750 });
    await Promise.all([this.look(signal), ...Array.from({ length: maxAtOnce }, () => this.work(signal))]);
  }

  private async look(signal: AbortSignal): Promise<void> {
    const { folder, clock, log } = this.deps;
    let wake = Promise.withResolvers<void>();
    const changed = () => wake.resolve();
    let watching = false;
    while (!signal.aborted) {
      wake = Promise.withResolvers<void>();
      try {
        // Before the look: a change during the look causes another one.
        if (!watching) watching = this.watch(changed, signal);
        this.compare(await socketsIn(folder));
      } catch (error) {
        log.warn('the folder of plug-in sockets cannot be read', { folder, error });
        watching = false;
        await mkdir(folder, { recursive: true, mode: 0o750 }).catch(() => {});
      }
      await Promise.race([wake.promise, clock.sleep(lookMs, signal).catch(() => {})]);
    }
  }

  private watch(changed: () => void, signal: AbortSignal): boolean {
    try {
      watchFolder(this.deps.folder, changed, signal);
      return true;
    } catch (error) {
      this.deps.log.warn('plug-in sockets are found only by looking every minute', { error });
      return false;
    }
  }

  private compare(found: ReadonlyMap<string, string>): void {
    const before = this.found;
    this.found = found;
    for (const path of new Set([...before.keys(), ...found.keys()]))
      if (before.get(path) !== found.get(path)) this.queue.add(path);
  }

  private async work(signal: AbortSignal): Promise<void> {
    for await (const path of this.queue.keys(signal)) {
      await this.reconcile(path, signal).then(
        () => this.queue.done(path),
        (error: unknown) => this.queue.done(path, error),
      );
    }
  }

  private async reconcile(path: string, signal: AbortSignal): Promise<void> {
    const identity = this.found.get(path);
    const held = this.registered.get(path);
    if (held && held.identity !== identity) {
      this.registered.delete(path);
      await this.handlerOf(held.plugin)?.deregister(held.plugin);
      this.deps.log.info('plug-in deregistered', { plugin: held.plugin.name, socket: path });
    }
    if (identity === undefined || this.registered.has(path)) return;
    const plugin = await this.register(path, signal);
    // A socket that has changed meanwhile is in the queue again: the next pass compares the identities.
    this.registered.set(path, { identity, plugin });
    this.deps.log.info('plug-in registered', { plugin: plugin.name, type: plugin.type, socket: path });
  }

  private handlerOf({ type }: PluginInfo): PluginHandler | undefined {
    return Object.hasOwn(this.deps.handlers, type) ? this.deps.handlers[type] : undefined;
  }

  private async register(path: string, signal: AbortSignal): Promise<PluginInfo> {
    const rpc = await openRpc(path, registrationService);
    try {
      const told = await rpc.call('GetInfo', {}, { timeoutMs: infoTimeoutMs, signal });
      const plugin = { ...told, endpoint: told.endpoint || path };
      try {
        await this.accept(plugin, path, signal);
      } catch (error) {
        signal.throwIfAborted();
        await notify(rpc, describeError(error), signal);
        throw error;
      }
      await this.confirm(rpc, plugin, signal);
      return plugin;
    } finally {
      rpc.close();
    }
  }

  /** @throws with upstream's words, which the plug-in shows in its log */
  private async accept(plugin: PluginInfo, path: string, signal: AbortSignal): Promise<void> {
    const handler = this.handlerOf(plugin);
    const failed = (what: string, cause?: unknown) => new Error(`RegisterPlugin error -- ${what}`, { cause });
    if (!handler) throw failed(`no handler registered for plugin type: ${plugin.type} at socket ${path}`);
    try {
      handler.validate(plugin);
    } catch (error) {
      throw failed(`plugin validation failed with err: ${describeError(error)}`, error);
    }
    try {
      await handler.register(plugin, signal);
    } catch (error) {
      throw failed(`plugin registration failed with err: ${describeError(error)}`, error);
    }
  }

  /** A plug-in that does not hear that it is registered waits: it is registered once more. */
  private async confirm(rpc: Rpc<RegistrationCalls>, plugin: PluginInfo, signal: AbortSignal): Promise<void> {
    try {
      await notify(rpc, '', signal);
    } catch (error) {
      await this.handlerOf(plugin)?.deregister(plugin);
      throw error;
    }
  }
}

async function notify(rpc: Rpc<RegistrationCalls>, error: string, signal: AbortSignal): Promise<void> {
  const status = { pluginRegistered: error === '', error };
  await rpc.call('NotifyRegistrationStatus', status, { timeoutMs: notifyTimeoutMs, signal });
}
