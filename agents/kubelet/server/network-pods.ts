// The pods of this node that have a network of their own, as its child processes get them.
import type { PodRecords } from '../pod/pod-records';
import { isSandbox, podIpsOf, podOf } from '../runtime/labels';

export interface NetworkPod {
  /** NAMESPACE/NAME */
  readonly key: string;
  readonly uid: string;
  /** A process in its network namespace. */
  readonly pid: number;
  readonly addresses: readonly string[];
}

export function networkPods(records: Pick<PodRecords, 'all'>): readonly NetworkPod[] {
  return records.all().flatMap((record) => {
    const addresses = podIpsOf(record);
    if (!isSandbox(record) || record.state !== 'running' || record.pid === undefined || addresses.length === 0)
      return [];
    const { namespace, name, uid } = podOf(record);
    return [{ key: `${namespace}/${name}`, uid, pid: record.pid, addresses }];
  });
}
