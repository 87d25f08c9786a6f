// DefaultTolerationSeconds and Priority: a pod stays five minutes on a node that fell silent, unless it says otherwise, and
// has the priority of its class.
import { type Pod, pods } from '../../api/index';
import { forbidden } from '../status';
import type { AdmissionPlugin } from './admission';

const graceSeconds = 300;
const nodeTroubles = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** The classes every cluster has. */
const builtInPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const defaultTolerations: AdmissionPlugin = ({ operation, kind, subresource, object }) => {
  if (kind.prefix !== pods.prefix || subresource !== '' || operation !== 'create') return;
  const { spec } = object as Pod;
  if (!spec) return;
  const tolerations = spec.tolerations ?? [];
  const missing = nodeTroubles.filter(
    (key) =>
      !tolerations.some(
        (toleration) =>
          (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === 'NoExecute'),
      ),
  );
  if (missing.length === 0) return;
  spec.tolerations = [
    ...tolerations,
    ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: graceSeconds })),
  ];
};

export const priority: AdmissionPlugin = ({ operation, kind, name, subresource, object }) => {
  if (kind.prefix !== pods.prefix || subresource !== '' || operation !== 'create') return;
  const { spec } = object as Pod;
  if (!spec) return;
  const className = spec.priorityClassName ?? '';
  const value = className === '' ? 0 : builtInPriorities[className];
  if (value === undefined) throw forbidden(kind, name, `no PriorityClass with name ${className} was found`);
  if (spec.priority !== undefined && spec.priority !== value) {
    throw forbidden(
      kind,
      name,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission ` +
        `controller computed ${value} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
};
