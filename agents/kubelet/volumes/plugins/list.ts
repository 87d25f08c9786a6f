// All volume plug-ins, and the choice of the plug-in for a volume.
import type { Volume } from '../payload';
import { configMap } from './config-map';
import { csi } from './csi';
import { downwardApi } from './downward-api';
import { emptyDir } from './empty-dir';
import { hostPath } from './host-path';
import { image } from './image';
import { nfs } from './nfs';
import type { Content, VolumePlugin } from './plugin';
import { projected } from './projected';
import { secret } from './secret';

const plugins: readonly VolumePlugin[] = [
  emptyDir,
  configMap,
  secret,
  downwardApi,
  projected,
  hostPath,
  image,
  nfs,
  csi,
];

/** Undefined when no plug-in knows the volume. */
export function contentOf(volume: Volume): Content | undefined {
  for (const plugin of plugins) {
    const content = plugin(volume);
    if (content) return content;
  }
  return undefined;
}
