// volume_manager_total_volumes: how many volumes pods want here, and how many are set up, by plug-in.
import { renderGauge } from '../../../controlplane/base/metric';
import { pluginName } from '../stats/activity';

/** Upstream's word for a plug-in that is not known yet: of a claim before its volume was found. */
const unknown = 'N/A';

export class VolumeCounts {
  /** By the pod's UID, then by the volume's name: the plug-in once the volume is set up. */
  private readonly pods = new Map<string, Map<string, string | undefined>>();

  /** What the pod uses now. */
  isDesired(podUid: string, names: readonly string[]): void {
    const before = this.pods.get(podUid);
    if (names.length === 0) this.pods.delete(podUid);
    else this.pods.set(podUid, new Map(names.map((name) => [name, before?.get(name)])));
  }

  isSetUp(podUid: string, name: string, plugin: string): void {
    this.pods.get(podUid)?.set(name, pluginName(plugin));
  }

  forget(podUid: string): void {
    this.pods.delete(podUid);
  }

  render(): readonly string[] {
    const counts = new Map<string, number>();
    const add = (plugin: string, state: string) => {
      const labels = `plugin_name="${plugin}",state="${state}"`;
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
    };
    for (const volumes of this.pods.values()) {
      for (const plugin of volumes.values()) {
        add(plugin ?? unknown, 'desired_state_of_world');
        if (plugin !== undefined) add(plugin, 'actual_state_of_world');
      }
    }
    return renderGauge({ name: 'volume_manager_total_volumes', help: 'Volumes of pods on this node.' }, counts);
  }
}
