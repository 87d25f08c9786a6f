// The etcd members of a local cluster, as data: command lines, and what the API server needs to reach them. Pure.
import { etcdFiles } from '../../controlplane/pki/etcd';
import { etcdArguments, etcdPorts, initialCluster } from '../../controlplane/process/etcd-runtime';
import { type ClusterPlan, type ControlPlan, controlNodes, type NodePlan } from './plan';

/**
 * Undefined on a node that keeps no data of etcd. @param program the path of etcd, 3.4 or later
 * @param rejoined whether the member joined a cluster that was there (lost-members.ts)
 */
export function etcdArgv(
  plan: ClusterPlan,
  node: NodePlan,
  program: string,
  rejoined = false,
): readonly string[] | undefined {
  const { name, ip, control } = node;
  if (control?.etcdDir === undefined) return undefined;
  const files = etcdFiles(control.pkiDir);
  const state = rejoined ? 'existing' : 'new';
  const initial = { cluster: initialCluster(etcdNodes(plan)), state, token: plan.context } as const;
  return [program, ...etcdArguments({ name, ip, dataDir: control.etcdDir, files, initial })];
}

/** The nodes that run a member of etcd. */
export const etcdNodes = (plan: ClusterPlan): readonly NodePlan[] =>
  controlNodes(plan).filter(({ control }) => control.etcdDir !== undefined);

/** The options of `k8ts server` for its store. A server asks the member of its own node first. */
export function storeOptions(plan: ClusterPlan, node: NodePlan, { pkiDir }: ControlPlan): readonly string[] {
  if (plan.store !== 'etcd') return [`--store=${plan.store}`];
  const files = etcdFiles(pkiDir);
  const members = etcdNodes(plan);
  const own = members.filter(({ name }) => name === node.name);
  const inOrder = [...own, ...members.filter(({ name }) => name !== node.name)];
  return [
    `--store=etcd://${inOrder.map(({ ip }) => `${ip}:${etcdPorts.client}`).join(',')}`,
    `--etcd-cafile=${files.ca}`,
    `--etcd-certfile=${files.clientCert}`,
    `--etcd-keyfile=${files.clientKey}`,
  ];
}
