// The counts in the status of ReplicationControllers, ReplicaSets and Deployments: a part is never more than the whole.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach } from './causes';
import { nonNegative } from './names';

interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly terminatingReplicas?: number;
  readonly collisionCount?: number;
}

interface ReplicaStatus {
  readonly terminatingReplicas?: number;
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
  'terminatingReplicas',
] as const;

export function validateReplicaStatus(status: ReplicaStatus = {}): FieldCause[] {
  return [...validateCounts(status, counts), ...validateParts(status, ['fullyLabeledReplicas', ...readyParts])];
}

const deploymentCounts = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
] as const;

export function validateDeploymentStatus(status: DeploymentStatus = {}, old: DeploymentStatus = {}): FieldCause[] {
  return [
    ...validateCounts(status, deploymentCounts),
    ...validateParts(status, ['updatedReplicas', ...readyParts]),
    ...notDecremented(status, old),
  ];
}

/** The number of collisions only grows. */
export function notDecremented(
  { collisionCount }: { readonly collisionCount?: number },
  old: { readonly collisionCount?: number },
): FieldCause[] {
  const isSmaller = old.collisionCount !== undefined && (collisionCount ?? -1) < old.collisionCount;
  return isSmaller ? [invalid('status.collisionCount', collisionCount ?? 0, 'cannot be decremented')] : [];
}

export function validateCounts<Name extends string>(
  status: { readonly [name in Name]?: number },
  names: readonly Name[],
): FieldCause[] {
  return names.flatMap((name) => invalidEach(`status.${name}`, status[name], nonNegative(status[name] ?? 0)));
}

const readyParts = ['readyReplicas', 'availableReplicas'] as const;

function validateParts<Name extends string>(
  status: { readonly [name in Name | 'replicas' | (typeof readyParts)[number]]?: number },
  parts: readonly Name[],
): FieldCause[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const causes = parts
    .filter((name) => (status[name] ?? 0) > replicas)
    .map((name) => invalid(`status.${name}`, status[name] ?? 0, 'cannot be greater than status.replicas'));
  if (availableReplicas > readyReplicas) {
    causes.push(invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'));
  }
  return causes;
}
