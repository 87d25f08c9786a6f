// Keys of the taints that say whether a node works. The API server sets the first one on every new Node, the node-lifecycle
// controller replaces and removes them, and pods tolerate them for some time.

/** The Node is new, or its kubelet reports that it is not ready. */
export const notReadyTaint = 'node.kubernetes.io/not-ready';
/** The kubelet does not report. */
export const unreachableTaint = 'node.kubernetes.io/unreachable';
/** Set by an administrator: the node is off, and will not run its pods again. */
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service';
