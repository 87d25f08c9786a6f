// For which nodes a StorageClass allows volumes. Pure. Source: the page "Storage Classes" of the Kubernetes documentation, Allowed Topologies.
import type { Labels } from '../selector';
import type { StorageClass } from '../storage-class';

/** Whether a volume of the class may be made for a node with these labels. A term without expressions allows no node. */
export function allowsTopology(
  { allowedTopologies = [] }: Pick<StorageClass, 'allowedTopologies'>,
  labels: Labels,
): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) => {
    if (matchLabelExpressions.length === 0) return false;
    return matchLabelExpressions.every(
      ({ key, values }) => labels?.[key] !== undefined && values.includes(labels[key]),
    );
  });
}
