// Events about changes of the node's conditions, with upstream's reasons. Pure.
import type { Node } from '../../../controlplane/api';

type Status = NonNullable<Node['status']>;

const reasons: Readonly<Record<string, readonly [whenTrue: string, otherwise: string]>> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  Ready: ['NodeReady', 'NodeNotReady'],
};

/** The reasons of the conditions that differ from before. A new node is not Ready yet, which is no change. */
export function statusEvents(status: Status, before: Status | undefined): readonly string[] {
  return (status.conditions ?? []).flatMap(({ type, status: now }) => {
    const names = reasons[type];
    const old = before?.conditions?.find((condition) => condition.type === type)?.status;
    if (!names || old === now || (type === 'Ready' && old === undefined && now !== 'True')) return [];
    return [names[now === 'True' ? 0 : 1]];
  });
}
