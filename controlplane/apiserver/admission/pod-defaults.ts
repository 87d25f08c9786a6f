// DefaultTolerationSeconds: a pod stays five minutes on a node that is unreachable or not ready, unless its tolerations differ.
import { notReadyTaint, type Pod, pods, unreachableTaint } from '../../api/index';
import type { OpenRule } from '../write/rule';

const graceSeconds = 300;
const nodeTroubles = [notReadyTaint, unreachableTaint];

export const defaultTolerations: OpenRule = () => ({
  name: 'DefaultTolerationSeconds',
  // Also at updates: a writer who sends a pod without them does not take them away.
  concerns: ({ operation, kind, subresource }) =>
    (operation === 'create' || operation === 'update') && kind.prefix === pods.prefix && subresource === '',
  mutate({ object }) {
    const pod = object as Pod;
    const { spec } = pod;
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
    const added = missing.map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: graceSeconds,
    }));
    // A new spec: a patched pod shares what the patch did not change with the stored pod.
    pod.spec = { ...spec, tolerations: [...tolerations, ...added] };
  },
});
