// Who writes a rule, by the names that programs use. The kernel keeps no owner of a rule, so a name is all there is. Pure.
import type { ListedRule } from './listed-rules';

/** Names of chains, first match wins. Sources: the programs' own documents and rules. */
const chainNames: readonly (readonly [RegExp, string])[] = [
  [/^K8TS-/, 'kube-proxy of k8ts'],
  [/^KUBE-/, 'kube-proxy or kubelet of Kubernetes'],
  [/^CNI-/, 'a CNI plug-in (portmap, bridge)'],
  [/^DOCKER-USER$/, 'an administrator, for whom Docker keeps this chain; or Docker'],
  [/^DOCKER/, 'Docker'],
  [/^(cali|felix)-/, 'Calico'],
  [/^(OLD_)?CILIUM/, 'Cilium'],
  [/^FLANNEL/, 'Flannel'],
  [/^WEAVE/, 'Weave Net'],
  [/^ISTIO/, 'Istio'],
  [/^LIBVIRT_/, 'libvirt'],
  [/^ufw6?-/, 'ufw'],
  [/^f2b-/, 'fail2ban'],
  [/^ts-/, 'Tailscale'],
  [/^(NETAVARK|PODMAN)/, 'Podman'],
];

/** Names of tables of nftables. */
const tableNames: readonly (readonly [RegExp, string])[] = [
  [/^(ip|ip6) k8ts$/, 'kube-proxy of k8ts'],
  [/^(inet|bridge) k8ts-policy$/, 'kube-proxy of k8ts, for NetworkPolicies'],
  [/^inet k8ts-watch$/, 'the reader of traffic of k8ts, which only counts while somebody looks'],
  [/^bridge k8ts-pod-sources$/, 'kubelet of k8ts'],
  [/ kube-proxy$/, 'kube-proxy of Kubernetes'],
  [/ firewalld$/, 'firewalld'],
  [/ libvirt_network$/, 'libvirt'],
  [/ docker-bridges$/, 'Docker'],
  [/ f2b-table$/, 'fail2ban'],
  [/ netavark$/, 'Podman'],
];

/** Undefined: no name in it belongs to a program that is known. */
export function writerOf({
  program,
  table,
  chain,
  next,
}: Pick<ListedRule, 'program' | 'table' | 'chain'> & {
  readonly next: readonly { readonly chain: string }[];
}): string | undefined {
  if (program === 'nft') {
    const byTable = tableNames.find(([pattern]) => pattern.test(table))?.[1];
    if (byTable !== undefined) return byTable;
  }
  // A jump in a built-in chain belongs to the owner of the chain that it leads to.
  for (const name of [chain, ...next.map((branch) => branch.chain)]) {
    const byChain = chainNames.find(([pattern]) => pattern.test(name))?.[1];
    if (byChain !== undefined) return byChain;
  }
  return undefined;
}
