// An administrator puts this taint on a node that is switched off and stays so for a while (KEP-2268): its pods are removed and its
// volumes detached without its kubelet.
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service';
