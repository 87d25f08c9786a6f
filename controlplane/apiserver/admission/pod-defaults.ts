// DefaultTolerationSeconds: a pod stays five minutes on a node that fell silent, unless it says otherwise.
import { type Pod, pods } from '../../api/index';
import type { AdmissionPlugin } from './admission';

const graceSeconds = 300;
const nodeTroubles = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export const defaultTolerations: AdmissionPlugin = ({ operation, kind, subresource, object }) => {
  if (kind.prefix !== pods.prefix || subresource !== '' || operation !== 'create') return;
  const { spec } = object as Pod;
  if (!spec) return;
  const tolerations = spec.tolerations ?? [];
  const missing = nodeTroubles.filter(
    (key) =>
      !tolerations.some(
        (toleration) =>
          (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === 'NoExecute'),
      ),
  );
  if (missing.length === 0) return;
  spec.tolerations = [
    ...tolerations,
    ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: graceSeconds })),
  ];
};
