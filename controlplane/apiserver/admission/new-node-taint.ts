// TaintNodesByCondition: a new Node has the not-ready taint from its first moment. Without this rule the scheduler could bind pods
// to the Node before the node-lifecycle controller has seen it. That controller removes the taint when the Node is ready.
import { type Node, nodes, notReadyTaint } from '../../api/index';
import type { OpenRule } from '../write/rule';

const effect = 'NoSchedule';

export const taintNewNodes: OpenRule = () => ({
  name: 'TaintNodesByCondition',
  concerns: ({ operation, kind, subresource }) =>
    operation === 'create' && kind.prefix === nodes.prefix && subresource === '',
  mutate({ object }) {
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    // A taint is its key and its effect: a not-ready taint with another value is the same taint.
    if (taints.some((taint) => taint.key === notReadyTaint && taint.effect === effect)) return;
    node.spec = { ...node.spec, taints: [...taints, { key: notReadyTaint, effect }] };
  },
});
