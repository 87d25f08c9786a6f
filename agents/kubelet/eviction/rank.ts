// Which pod is evicted first. Pure; pods that compare equal keep their order.
// Memory and disk: pods that use more than they request; then the lower priority; then the largest use above the request.
// Processes: the lower priority, then the most processes. A pod that was not measured comes first, as upstream.
import type { Pod } from '../../../controlplane/api';
import { type DiskPart, diskUse, type PodUse, type PodUses, requestOf } from './pod-usage';
import type { Signal } from './signals';

type Compare = (a: Pod, b: Pod) => number;

/** `imageFsApart`: images and containers are on a file system of their own. */
export function rank(pods: readonly Pod[], signal: Signal, uses: PodUses, imageFsApart: boolean): Pod[] {
  const compare = comparison(signal, uses, diskParts(signal, imageFsApart));
  return [...pods].sort(compare);
}

/** The files that count for a shortage on one file system. */
function diskParts(signal: Signal, imageFsApart: boolean): readonly DiskPart[] {
  if (!imageFsApart) return ['rootfs', 'logs', 'volumes'];
  return signal.startsWith('nodefs.') ? ['logs', 'volumes'] : ['rootfs'];
}

function comparison(signal: Signal, uses: PodUses, parts: readonly DiskPart[]): Compare {
  switch (signal) {
    case 'pid.available':
      return inOrder(
        byPriority,
        byMost(uses, ({ processes = 0 }) => processes),
      );
    case 'memory.available':
    case 'allocatableMemory.available': {
      const used = ({ memoryBytes = 0 }: PodUse) => memoryBytes;
      const request = (pod: Pod) => requestOf(pod, 'memory');
      return byExcess(uses, used, request, request);
    }
    default: {
      const inodes = signal.endsWith('.inodesFree');
      const used = (use: PodUse) => diskUse(use, parts)[inodes ? 'inodes' : 'bytes'];
      const request = (pod: Pod) => requestOf(pod, 'ephemeral-storage');
      // No pod can request inodes, so each of them uses more than it requests. The last comparison is upstream's: it takes the request
      // for storage away from a number of inodes.
      return byExcess(uses, used, inodes ? () => 0 : request, request);
    }
  }
}

function byExcess(
  uses: PodUses,
  used: (use: PodUse) => number,
  request: (pod: Pod) => number,
  base: (pod: Pod) => number,
): Compare {
  const exceeds = byMost(uses, (use, pod) => (used(use) > request(pod) ? 1 : 0));
  return inOrder(
    exceeds,
    byPriority,
    byMost(uses, (use, pod) => used(use) - base(pod)),
  );
}

const inOrder =
  (...compares: readonly Compare[]): Compare =>
  (a, b) =>
    compares.reduce((result, compare) => result || compare(a, b), 0);

const priorityOf = ({ spec }: Pod): number => spec?.priority ?? 0;
const byPriority: Compare = (a, b) => priorityOf(a) - priorityOf(b);

const byMost =
  (uses: PodUses, amount: (use: PodUse, pod: Pod) => number): Compare =>
  (a, b) => {
    const [first, second] = [uses(a), uses(b)];
    if (!first || !second) return (first ? 1 : 0) - (second ? 1 : 0);
    return amount(second, b) - amount(first, a);
  };
