// What the words of a status mean for its colour. The word is always shown, too: colour alone says nothing to some readers. Pure.

export type Tone = 'good' | 'wait' | 'bad' | 'none';

const good =
  /^(?:Running|Ready|Active|Bound|Available|Succeeded|Completed?|Healthy|Approved,Issued|True|Established|Local)$/;
const wait =
  /^(?:Pending|ContainerCreating|PodInitializing|Init:\d+\/\d+|Terminating|Released|Progressing|SchedulingGated|Unknown|Suspended|Ready,SchedulingDisabled)$/;

/** Columns whose cells are a status. */
export const statusColumns: ReadonlySet<string> = new Set(['Status', 'Phase']);

/** Of a pod that has done its work: its containers are not ready, and need not be. */
const done = /^(?:Succeeded|Completed)$/;

/** The tone of a cell of a list. `status`: what the same row has as its status; '' for none. */
export function toneOfCell(column: string, cell: string, status = ''): Tone {
  if (column === 'Ready') return done.test(status) ? 'none' : toneOfReady(cell);
  if (column === 'Type' && cell === 'Warning') return 'wait';
  return statusColumns.has(column) ? toneOf(cell) : 'none';
}

/** Anything else that a status says is trouble: CrashLoopBackOff, Error, Failed, NotReady, Evicted. */
export function toneOf(status: string): Tone {
  if (status === '') return 'none';
  if (good.test(status)) return 'good';
  return wait.test(status) ? 'wait' : 'bad';
}

/** `2/3`: not all are ready yet. */
function toneOfReady(cell: string): Tone {
  const [, ready, all] = /^(\d+)\/(\d+)$/.exec(cell) ?? [];
  if (ready === undefined) return 'none';
  return ready === all ? 'none' : 'wait';
}

/** Conditions of which True means trouble. */
const badWhenTrue =
  /Pressure$|^(?:NetworkUnavailable|Failed|ReplicaFailure|Stalled|Degraded|DisruptionTarget|Terminating|NonStructuralSchema)$/;

/** The tone of a condition. False and Unknown are no trouble where True would be, nor is a pod that is not ready since it has done its work. */
export function toneOfCondition(type: string, status: string, reason = ''): Tone {
  if (status === 'False' && reason === 'PodCompleted') return 'none';
  if (badWhenTrue.test(type)) return status === 'True' ? 'bad' : 'none';
  return status === 'True' ? 'good' : status === 'False' ? 'wait' : 'none';
}
