// What plug-ins reserve for a pod between the decision and its binding: all of them, or none.
import type { NodeInfo } from './node-info';
import type { SchedulerPlugin } from './plugins/plugin';
import type { PodInfo } from './pod-info';

/** Returns how to release everything. @throws what a plug-in throws, after the release of what was reserved before it. */
export function reserveAll(plugins: readonly SchedulerPlugin[], pod: PodInfo, node: NodeInfo): () => void {
  const releases: (() => void)[] = [];
  const release = () => {
    for (const undo of releases.splice(0).reverse()) undo();
  };
  try {
    for (const plugin of plugins) if (plugin.reserve) releases.push(plugin.reserve(pod, node));
  } catch (err) {
    release();
    throw err;
  }
  return release;
}
