// Where an agent of a node says what happened to it: on one machine, and under systemd. Pure.

/** `hack/logs NODE/dns, or journalctl -u k8ts-dns on node NODE` */
export const logOf = (agent: 'dns' | 'ingress' | 'kube-proxy' | 'kubelet', node: string | undefined): string =>
  `hack/logs ${node ?? 'NODE'}/${agent}, or journalctl -u k8ts-${agent} on ${node === undefined ? 'that node' : `node ${node}`}`;
