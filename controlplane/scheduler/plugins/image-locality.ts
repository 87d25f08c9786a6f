// Nodes that have the images of the pod are better. An image that few nodes have counts less, so that not all pods pile up on one node.
import type { NodeInfo } from '../node-info';
import { maxScore, type SchedulerPlugin } from './plugin';

const megabyte = 1024 * 1024;
/** Images smaller than this do not matter; beyond the upper bound per container more does not matter. */
const imageBounds = { min: 23 * megabyte, max: 1000 * megabyte };

export const imageLocality: SchedulerPlugin = {
  name: 'ImageLocality',
  helpedBy: {},
  score: {
    weight: 1,
    rate({ pod, nodes }, feasible) {
      // Most pods have images that no node has, or all of them.
      if (!feasible.some(({ images }) => pod.images.some((image) => images.has(image)))) return undefined;
      const shares = new Map(pod.images.map((image) => [image, shareOf(image, nodes)]));
      const max = imageBounds.max * Math.max(1, pod.containerCount);
      return feasible.map(({ images }) => {
        const bytes = pod.images.reduce(
          (sum, image) => sum + Math.trunc((images.get(image) ?? 0) * shares.get(image)!),
          0,
        );
        const bounded = Math.min(max, Math.max(imageBounds.min, bytes));
        return Math.trunc((maxScore * (bounded - imageBounds.min)) / (max - imageBounds.min));
      });
    },
  },
};

/** The part of the nodes that have the image. */
const shareOf = (image: string, nodes: readonly NodeInfo[]): number =>
  nodes.reduce((count, { images }) => count + (images.has(image) ? 1 : 0), 0) / nodes.length;
