// The keys of the control nodes of a local cluster.
import { ensureEtcdPki } from '../../controlplane/pki/etcd';
import { ensurePki } from '../../controlplane/pki/pki';
import { readShared, writeShared } from '../../controlplane/pki/shared';
import { type ClusterPlan, controlNodes, ranges } from './plan';

/**
 * Fills the directory of each control node: all share the authorities of the first, and the certificate of each server has the names of
 * all. Returns what it wrote; nothing the second time.
 */
export async function ensureControlPki(plan: ClusterPlan): Promise<string[]> {
  const written: string[] = [];
  const controls = controlNodes(plan);
  const names =
    controls.length > 1 ? [plan.gateway, ...controls.flatMap(({ name, ip }) => [name, ip])] : [controls[0]!.name];
  for (const { name, ip, control } of controls) {
    if (control.pkiDir !== plan.pkiDir)
      written.push(...(await writeShared(control.pkiDir, await readShared(plan.pkiDir))));
    written.push(
      ...(await ensurePki(control.pkiDir, {
        advertiseAddress: ip,
        serviceAddress: ranges.kubernetesService,
        clusterDomain: ranges.domain,
        extraHosts: names,
      })),
    );
    if (plan.store === 'etcd') written.push(...(await ensureEtcdPki(control.pkiDir, { name, addresses: [ip] })));
  }
  return written;
}
