// Registration of CSI drivers with this kubelet: versions, then NodeGetInfo, then CSINode and Node (node-info.ts).
import { describeError } from '../../../../controlplane/base/errors';
import type { PluginHandler } from '../../plugins/plugin-watcher';
import type { PluginInfo } from '../../plugins/registration-api';
import type { CsiDrivers } from './drivers';
import type { NodeInfoWriter } from './node-info';
import { compareVersions, highestSupported, type Version } from './versions';

/** The type that registrars of CSI drivers name. */
export const csiPluginType = 'CSIPlugin';

export class CsiRegistration implements PluginHandler {
  constructor(
    private readonly drivers: CsiDrivers,
    private readonly writer: Pick<NodeInfoWriter, 'install' | 'uninstall'>,
  ) {}

  validate(plugin: PluginInfo): void {
    try {
      this.versionOf('ValidatePlugin', plugin);
    } catch (cause) {
      const { name, endpoint } = plugin;
      throw new Error(`validation failed for CSI Driver ${name} at endpoint ${endpoint}: ${describeError(cause)}`, {
        cause,
      });
    }
  }

  async register(plugin: PluginInfo, signal: AbortSignal): Promise<void> {
    const version = this.versionOf('RegisterPlugin', plugin);
    const info = await this.drivers.reach(plugin.endpoint, signal, (driver) => driver.call('NodeGetInfo', {}));
    await this.writer.install(plugin.name, info, signal);
    this.drivers.set(plugin.name, { endpoint: plugin.endpoint, version });
  }

  async deregister({ name }: PluginInfo): Promise<void> {
    this.drivers.delete(name);
    await this.writer.uninstall(name);
  }

  /** @throws with upstream's words */
  private versionOf(caller: string, { name, supportedVersions }: PluginInfo): Version {
    const failed = (why: string) => new Error(`kubernetes.io/csi: ${caller} for CSI driver "${name}" failed. ${why}`);
    if (supportedVersions.length === 0) throw failed('Plugin returned an empty list for supported versions');
    const version = highestSupported(supportedVersions);
    if (!version) {
      const named = supportedVersions.map((text) => JSON.stringify(text)).join(' ');
      throw failed(`None of the versions specified [${named}] are supported.`);
    }
    const other = this.drivers.get(name);
    if (other && compareVersions(other.version, version) >= 0) {
      const higher = other.version.join('.');
      throw failed(
        `Another driver with the same name is already registered with a higher supported version: "${higher}"`,
      );
    }
    return version;
  }
}
