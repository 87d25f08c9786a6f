// The kubelet's part for CSI: registration of drivers, the CSINode object, and the volumes of pods.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '../../../../controlplane/api';
import type { Clock } from '../../../../controlplane/base/clock';
import type { Logger } from '../../../../controlplane/base/logger';
import type { Client } from '../../../../controlplane/client/client';
import type { EventRecorder } from '../../../../controlplane/client/event-recorder';
import type { Part } from '../../part';
import { type PluginHandler, PluginWatcher } from '../../plugins/plugin-watcher';
import { ServiceAccountTokens } from '../service-account-tokens';
import { Attachments } from './attachment';
import { CsiVolumes } from './csi-volumes';
import { CsiDrivers } from './drivers';
import { NodeInfoWriter } from './node-info';
import { CsiRegistration, csiPluginType } from './registration';
import { VolumesInUse } from './volumes-in-use';

export interface CsiPartDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly nodeName: string;
  readonly rootDir: string;
  readonly ownNode: () => Node | undefined;
  readonly ensureAnswers: (path: string) => Promise<void>;
  /** Of other types, in the same folder of sockets. */
  readonly otherPlugins?: Readonly<Record<string, PluginHandler>>;
}

const retryMs = 1_000;
/** Manifests of drivers mount these folders with type Directory. */
const folders = ['pods', 'plugins', 'plugins_registry'];

export class CsiPart implements Part {
  readonly inUse = new VolumesInUse();
  readonly volumes: CsiVolumes;
  private readonly attachments: Attachments;
  private readonly writer: NodeInfoWriter;
  private readonly watcher: PluginWatcher;

  constructor(private readonly deps: CsiPartDeps) {
    const { client, clock, log, nodeName, rootDir } = deps;
    const { inUse } = this;
    const drivers = new CsiDrivers(rootDir);
    this.attachments = new Attachments({ ...deps, inUse });
    this.volumes = new CsiVolumes({
      ...deps,
      inUse,
      drivers,
      attachments: this.attachments,
      tokens: new ServiceAccountTokens({ client, clock }),
    });
    this.writer = new NodeInfoWriter({ client, nodeName });
    this.watcher = new PluginWatcher({
      folder: join(rootDir, 'plugins_registry'),
      handlers: { ...deps.otherPlugins, [csiPluginType]: new CsiRegistration(drivers, this.writer) },
      clock,
      log: log.child('plugins'),
    });
  }

  /** Before the node's status is written and the first pod starts. */
  async open(): Promise<void> {
    for (const name of folders) await mkdir(join(this.deps.rootDir, name), { recursive: true, mode: 0o750 });
    await this.volumes.open();
  }

  /** This node's object has changed. */
  nodeChanged(): void {
    this.attachments.nodeChanged();
  }

  /** After the Node exists. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.initialize(signal), this.watcher.run(signal)]);
  }

  private async initialize(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.writer.initialize(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.deps.log.warn('the CSINode object is not written, will retry', { error });
        await this.deps.clock.sleep(retryMs, signal).catch(() => {});
      }
    }
  }

  close(): void {
    this.volumes.close();
  }
}
