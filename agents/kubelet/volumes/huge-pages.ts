// Which size the huge pages of an emptyDir have. Pure. Source: kubernetes.io "Manage HugePages".
import { initAndAppContainers, type Pod } from '../../../controlplane/api';
import { unitValue } from '../../../controlplane/api/quantity';
import { VolumeError } from './payload';

/** The medium, alone or followed by `-` and a size. */
export const hugePages = 'HugePages';
const resource = 'hugepages-';

/** In bytes: the size that the medium names, or the only one that the pod requests. @throws VolumeError with upstream's message */
export function hugePageBytes(medium: string, { spec }: Pod): number {
  const requests = [
    spec?.resources?.requests ?? {},
    ...initAndAppContainers(spec ?? {}).map(({ resources }) => resources?.requests ?? {}),
  ];
  const names = requests.flatMap((each) => Object.keys(each)).filter((name) => name.startsWith(resource));
  const requested = new Set(names.map((name) => unitValue(name.slice(resource.length))));
  if (medium !== hugePages) {
    const bytes = unitValue(medium.slice(hugePages.length + 1));
    if (requested.has(bytes)) return bytes;
  } else if (requested.size > 1) {
    throw new VolumeError(`medium: ${medium} can't be used if container requests multiple huge page sizes`);
  }
  const [only] = requested;
  if (medium === hugePages && only !== undefined) return only;
  throw new VolumeError(
    `medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`,
  );
}
