// image volumes: the files of an image, read-only. The start of a container that mounts the volume pulls the image and shows its files
// (pod/image-volumes.ts), because a failed pull keeps only this container waiting. Source: KEP-4639.
import { definePlugin } from './plugin';

export const image = definePlugin('image', {
  dir: 'image',
  readOnly: 'mounted',
  setUp: async () => undefined,
});
