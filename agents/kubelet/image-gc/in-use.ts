// The images that pods of this node use or wait for. Pure.
import { allContainers, isTerminal, type Pod } from '../../../controlplane/api';
import { localNames } from '../images/image-name';
import type { ContainerRecord } from '../runtime/runtime';

/** Names and IDs. The images of a pod count before its containers exist: an image may just have been pulled for it. */
export function* imagesInUse(
  pods: readonly Pod[],
  records: readonly Pick<ContainerRecord, 'image' | 'imageId'>[],
  pauseImage: string,
): Iterable<string> {
  yield* localNames(pauseImage);
  for (const { image, imageId } of records) {
    yield image;
    yield imageId;
  }
  for (const { spec } of pods.filter((pod) => !isTerminal(pod))) {
    for (const { image } of allContainers(spec ?? {})) if (image) yield* localNames(image);
    for (const { image } of spec?.volumes ?? []) if (image?.reference) yield* localNames(image.reference);
  }
}
