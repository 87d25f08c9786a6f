// The counts in the status of ReplicationControllers and ReplicaSets: a part is never more than the whole.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach } from './causes';
import { nonNegative } from './names';

interface ReplicaStatus {
  readonly replicas?: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly observedGeneration?: number;
}

const counts = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
] as const;

export function validateReplicaStatus(status: ReplicaStatus = {}): FieldCause[] {
  const causes = counts.flatMap((name) => invalidEach(`status.${name}`, status[name], nonNegative(status[name] ?? 0)));
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  for (const name of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    if ((status[name] ?? 0) > replicas) {
      causes.push(invalid(`status.${name}`, status[name] ?? 0, 'cannot be greater than status.replicas'));
    }
  }
  if (availableReplicas > readyReplicas) {
    causes.push(invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'));
  }
  return causes;
}
