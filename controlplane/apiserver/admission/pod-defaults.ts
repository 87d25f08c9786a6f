// DefaultTolerationSeconds: a pod stays five minutes on a node that is unreachable or not ready, unless its tolerations differ.
import { notReadyTaint, type Pod, unreachableTaint } from '../../api/index';
import type { OpenRule } from '../write/rule';
import { createsPod } from './pod-creation';

const graceSeconds = 300;
const nodeTroubles = [notReadyTaint, unreachableTaint];

export const defaultTolerations: OpenRule = () => ({
  name: 'DefaultTolerationSeconds',
  concerns: createsPod,
  mutate({ object }) {
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
  },
});
