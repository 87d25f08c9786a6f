// Where upstream's paths are on this node. Manifests of node plug-ins name /var/lib/kubelet, upstream's root folder. Here each node has its
// own root folder, because several nodes may share one machine: what a pod calls /var/lib/kubelet is that folder. Pure.

/** The default of upstream's --root-dir. */
export const upstreamRoot = '/var/lib/kubelet';

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** The path on this machine of a path in a manifest or from a plug-in. */
export function machinePath(rootDir: string, path: string): string {
  const clean = path.replace(/\/+/g, '/');
  return isBelow(clean, upstreamRoot) && !isBelow(clean, rootDir)
    ? `${rootDir}${clean.slice(upstreamRoot.length)}`
    : path;
}

/** The other direction, for a plug-in that sees the root folder as /var/lib/kubelet. */
export function upstreamPath(rootDir: string, path: string): string {
  return isBelow(path, rootDir) ? `${upstreamRoot}${path.slice(rootDir.length)}` : path;
}
