// The table of `kubectl get pods`.

import { isConditionTrue } from '../../base/condition-state';
import { summarizePod } from '../../base/pod-summary';
import type { Column } from '../kind';
import type { Pod } from '../pod';
import { ageColumn, formatDuration, nameColumn, none } from '../table';

function restartsCell(pod: Pod, now: number): string {
  const { restarts, lastRestart } = summarizePod(pod);
  if (restarts === 0 || lastRestart === undefined) return String(restarts);
  return `${restarts} (${formatDuration(now - lastRestart)} ago)`;
}

function readinessGatesCell(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  return `${gates.filter(({ conditionType }) => isConditionTrue(pod, conditionType)).length}/${gates.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  {
    name: 'Ready',
    type: 'string',
    description: 'The aggregate readiness state of this pod for accepting traffic.',
    cell: (pod) => {
      const { ready, total } = summarizePod(pod);
      return `${ready}/${total}`;
    },
  },
  {
    name: 'Status',
    type: 'string',
    description: 'The aggregate status of the containers in this pod.',
    cell: (pod) => summarizePod(pod).reason,
  },
  {
    name: 'Restarts',
    type: 'string',
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    cell: restartsCell,
  },
  ageColumn,
  { name: 'IP', type: 'string', priority: 1, cell: ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || none },
  { name: 'Node', type: 'string', priority: 1, cell: ({ spec }) => spec?.nodeName || none },
  { name: 'Nominated Node', type: 'string', priority: 1, cell: ({ status }) => status?.nominatedNodeName || none },
  { name: 'Readiness Gates', type: 'string', priority: 1, cell: readinessGatesCell },
];
