// The mount options of a PersistentVolume. Pure.
import type { PersistentVolume } from '../../../../controlplane/api';
import type { PointOption } from '../../../../dataplane/mount/mounts';

const annotation = 'volume.beta.kubernetes.io/mount-options';

/** Sorted, each once, with `more`. The old annotation replaces the field, as upstream. */
export function mountOptionsOf({ metadata, spec }: PersistentVolume, more: readonly string[] = []): string[] {
  const given = metadata?.annotations?.[annotation]?.split(',') ?? spec?.mountOptions ?? [];
  return [...new Set([...given.filter((option) => option !== ''), ...more])].sort();
}

const pointOptions: ReadonlySet<string> = new Set<PointOption>([
  'ro',
  'nosuid',
  'nodev',
  'noexec',
  'noatime',
  'nodiratime',
  'relatime',
]);

/** Those options that a bind mount has for itself: the others belong to the file system, which is mounted already. */
export const pointOptionsOf = (options: readonly string[]): PointOption[] =>
  options.filter((option): option is PointOption => pointOptions.has(option));
