// Whether a pod uses more of the node's disk than its own limits allow: sizeLimit of an emptyDir, and limits of ephemeral-storage of the
// pod and of its containers. Pure. Messages are upstream's.
import { limitsOf, type Pod } from '../../../controlplane/api';
import { formatQuantity, parseQuantity } from '../../../controlplane/api/quantity';
import { diskUse, isDiskEmptyDir, type PodUse, type Volume } from './pod-usage';

const resource = 'ephemeral-storage';

/** Whether the pod has at least one of these limits: only then its files are measured. */
export function hasStorageLimit({ spec }: Pod): boolean {
  if (!spec) return false;
  return (
    [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.[resource]) ||
    (spec.volumes ?? []).some((volume) => isDiskEmptyDir(volume) && sizeLimit(volume) > 0n)
  );
}

/** Undefined while the pod keeps its limits. `imageFsApart`: the layers of containers are on another file system than the pod. */
export function exceededLimit(pod: Pod, use: PodUse, imageFsApart: boolean): string | undefined {
  return emptyDirs(pod, use) ?? wholePod(pod, use) ?? oneContainer(pod, use, imageFsApart);
}

function emptyDirs({ spec }: Pod, { volumes }: PodUse): string | undefined {
  for (const volume of (spec?.volumes ?? []).filter(isDiskEmptyDir)) {
    const limit = sizeLimit(volume);
    const used = volumes.get(volume.name);
    if (limit <= 0n || !used || nano(used.bytes) <= limit) continue;
    const text = formatQuantity(parseQuantity(volume.emptyDir?.sizeLimit ?? '0'));
    return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${text}". `;
  }
  return undefined;
}

function wholePod({ spec }: Pod, use: PodUse): string | undefined {
  const limit = spec && limitsOf(spec)[resource];
  if (!limit || nano(diskUse(use, ['rootfs', 'logs', 'volumes']).bytes) <= limit.nano) return undefined;
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(limit)}. `;
}

function oneContainer({ spec }: Pod, use: PodUse, imageFsApart: boolean): string | undefined {
  for (const { name, rootfs, logs } of use.containers) {
    const text = spec?.containers.find((container) => container.name === name)?.resources?.limits?.[resource];
    const limit = text === undefined ? undefined : parseQuantity(text);
    if (!limit || limit.nano === 0n) continue;
    const bytes = (logs?.bytes ?? 0) + (imageFsApart ? 0 : (rootfs?.bytes ?? 0));
    if (nano(bytes) <= limit.nano) continue;
    return `Container ${name} exceeded its local ephemeral storage limit "${formatQuantity(limit)}". `;
  }
  return undefined;
}

const nano = (bytes: number): bigint => BigInt(Math.trunc(bytes)) * 1_000_000_000n;
const sizeLimit = ({ emptyDir }: Volume): bigint => parseQuantity(emptyDir?.sizeLimit ?? '0').nano;

/** The name that metrics give to the limit which a message of exceededLimit() is about. */
export function limitSignal(message: string): string {
  if (message.startsWith('Usage of EmptyDir')) return 'emptydirfs.limit';
  return message.startsWith('Pod ') ? 'ephemeralpodfs.limit' : 'ephemeralcontainerfs.limit';
}
