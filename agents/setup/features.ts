// Tries, in a temporary network namespace, the features of the kernel and of network programs that a node needs.
import type { Exec } from '../../dataplane/exec/exec';
import { removeNamedNetns } from '../../dataplane/netns/named';

/** Names of the features that failed; [] when this machine can be a node. */
export async function tryFeatures(exec: Exec): Promise<readonly string[]> {
  const name = `k8ts-try-${process.pid}`;
  const missing: string[] = [];
  const attempt = async (feature: string, ...argv: string[]) => {
    await exec.run(argv).catch(() => missing.push(feature));
  };
  await attempt('network namespaces', 'ip', 'netns', 'add', name);
  if (missing.length > 0) return missing;
  // Not `ip netns exec`: that mounts a sysfs, which a container may not do.
  const inside = ['nsenter', `--net=/run/netns/${name}`, '--'];
  try {
    await attempt('bridge', 'ip', '-n', name, 'link', 'add', 'b0', 'type', 'bridge');
    await attempt('veth', 'ip', '-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    await attempt('iptables nat', ...inside, 'iptables', '-w', '-t', 'nat', '-S');
    await attempt(
      'iptables conntrack match',
      ...inside,
      ...'iptables -w -A INPUT -m conntrack --ctstate NEW'.split(' '),
    );
    await attempt('nftables', ...inside, 'nft', 'add', 'table', 'inet', 'k8ts-try');
    await attempt('conntrack', ...inside, 'conntrack', '-C');
  } finally {
    await removeNamedNetns(exec, name);
  }
  return missing;
}
