// Events about changes of the node's status, with upstream's reasons and messages. Pure.
import { conntrackFullCondition, type Node } from '../../../controlplane/api';

export type StatusEvent = readonly [type: 'Normal' | 'Warning', reason: string, message: string];
type Status = NonNullable<Node['status']>;

const reasons: Readonly<Record<string, readonly [whenTrue: string, otherwise: string]>> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  [conntrackFullCondition]: ['ConntrackFull', 'ConntrackHasRoom'],
  Ready: ['NodeReady', 'NodeNotReady'],
};

/** `before`: absent for a new node. */
export function statusEvents(name: string, status: Status, before: Status | undefined): readonly StatusEvent[] {
  const changes = changedConditions(status, before).map(
    (reason): StatusEvent => ['Normal', reason, `Node ${name} status is now: ${reason}`],
  );
  const [bootID, old] = [status.nodeInfo?.bootID, before?.nodeInfo?.bootID];
  if (!old || old === bootID) return changes;
  return [['Warning', 'NodeRebooted', `Node ${name} has been rebooted, boot id: ${bootID}`], ...changes];
}

/** The reasons of the conditions that differ from before. A new node is not Ready yet, which is no change. */
function changedConditions(status: Status, before: Status | undefined): readonly string[] {
  return (status.conditions ?? []).flatMap(({ type, status: now }) => {
    const names = reasons[type];
    const old = before?.conditions?.find((condition) => condition.type === type)?.status;
    if (!names || old === now || (type === 'Ready' && old === undefined && now !== 'True')) return [];
    return [names[now === 'True' ? 0 : 1]];
  });
}
