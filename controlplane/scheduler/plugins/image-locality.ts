// Nodes that have the images of the pod are better. An image that few nodes have counts less, so that not all pods pile up on one node.
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
      const spread = new Map(
        pod.images.map((image) => [image, nodes.filter(({ images }) => images.has(image)).length / nodes.length]),
      );
      const max = imageBounds.max * Math.max(1, pod.images.length);
      return feasible.map(({ images }) => {
        const bytes = pod.images.reduce((sum, image) => sum + (images.get(image) ?? 0) * (spread.get(image) ?? 0), 0);
        const bounded = Math.min(max, Math.max(imageBounds.min, bytes));
        return (maxScore * (bounded - imageBounds.min)) / (max - imageBounds.min);
      });
    },
  },
};
