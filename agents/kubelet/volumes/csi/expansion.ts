// The kubelet's part of an expansion: which size the node must bring about, and what the claim's status says before and after. Pure.
// Source: KEP-1790 (recovery from failed expansions), KEP-556.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../controlplane/api';
import { unitValue } from '../../../../controlplane/api/quantity';
import { formatTime } from '../../../../controlplane/base/clock';
import { RpcError, type RpcStatus } from '../../../../controlplane/grpc/rpc-error';

type Status = NonNullable<PersistentVolumeClaim['status']>;
type ClaimCondition = NonNullable<Status['conditions']>[number];

const resizeConditions: readonly string[] = [
  'FileSystemResizePending',
  'Resizing',
  'ControllerResizeError',
  'NodeResizeError',
];

export interface Expansion {
  /** As the API writes it. */
  readonly size: string;
  readonly bytes: number;
  /** The claim says what the controller wants of the node. False with resizers that do not know KEP-1790. */
  readonly isNegotiated: boolean;
  /** Another node has done its part, and the claim shows the size already. */
  readonly isShown: boolean;
}

/** A resizer sets it on a claim whose nodes have nothing to do. */
const notRequired = 'volume.kubernetes.io/node-expansion-not-required';

/** What is to be done on the node; undefined for nothing. `knownBytes`: the size that this node has seen. */
export function neededExpansion(
  volume: PersistentVolume,
  { metadata, spec, status = {} }: PersistentVolumeClaim,
  knownBytes: number | undefined,
): Expansion | undefined {
  const { capacity, allocatedResources, allocatedResourceStatuses } = status;
  const before = bytesOf(capacity?.['storage']);
  const state = allocatedResourceStatuses?.['storage'];
  // Without a size the claim is not bound yet.
  if (before === undefined) return undefined;
  const total = bytesOf(volume.spec?.capacity?.['storage']) ?? 0;
  const isEverywhere =
    spec?.accessModes?.includes('ReadWriteMany') && metadata?.annotations?.[notRequired] === undefined;
  if (state === undefined && before >= total && isEverywhere && knownBytes !== undefined && knownBytes < total) {
    return { size: volume.spec?.capacity?.['storage'] ?? '', bytes: total, isNegotiated: false, isShown: true };
  }
  if (state !== undefined || allocatedResources !== undefined) {
    if (state !== 'NodeResizePending' && state !== 'NodeResizeInProgress') return undefined;
    const size = allocatedResources?.['storage'] ?? volume.spec?.capacity?.['storage'] ?? '';
    const bytes = bytesOf(size);
    return bytes === undefined ? undefined : { size, bytes, isNegotiated: true, isShown: false };
  }
  const size = volume.spec?.capacity?.['storage'] ?? '';
  const bytes = bytesOf(size);
  return bytes !== undefined && bytes > before ? { size, bytes, isNegotiated: false, isShown: false } : undefined;
}

/** The size that the claim shows. */
export const claimBytes = ({ status }: PersistentVolumeClaim): number | undefined =>
  bytesOf(status?.capacity?.['storage']);

/** The size that the claim asks for: its user may have changed it since the controller expanded the volume. */
export const wantedBytes = ({ spec }: PersistentVolumeClaim): number | undefined =>
  bytesOf(spec?.resources?.requests?.['storage']);

function bytesOf(quantity: string | undefined): number | undefined {
  if (!quantity) return undefined;
  const value = unitValue(quantity);
  return Number.isFinite(value) ? value : undefined;
}

const withoutState = ({ allocatedResourceStatuses = {} }: Status): object | null => {
  const { storage: _, ...rest } = allocatedResourceStatuses as Record<string, string>;
  return Object.keys(rest).length === 0 ? null : { ...rest, storage: null };
};

/** Merge patches of the claim's status. */
export const inProgress = (): object => ({ allocatedResourceStatuses: { storage: 'NodeResizeInProgress' } });

export function finished(status: Status, size: string): object {
  return {
    capacity: { storage: size },
    ...(status.allocatedResourceStatuses ? { allocatedResourceStatuses: withoutState(status) } : {}),
    conditions: (status.conditions ?? []).filter(({ type }) => !resizeConditions.includes(type)),
  };
}

export interface Failure {
  readonly error: unknown;
  /** The driver has refused before, and the claim asks for another size by now: the resizer may take that one. */
  readonly isHopeless: boolean;
}

/** The driver has ended its work: the volume has its old size. */
export const isFinal = (error: unknown): error is RpcError =>
  error instanceof RpcError && !uncertain.includes(error.status);

/** Undefined for a failure that says nothing about the volume: the call is repeated. */
export function failed(status: Status, { error, isHopeless }: Failure, now: number): object | undefined {
  if (!isFinal(error)) return undefined;
  const isInfeasible = isHopeless || infeasible.includes(error.status);
  const message = `failed to expand pvc with ${error.message}`;
  const condition: ClaimCondition = {
    type: 'NodeResizeError',
    status: 'True',
    lastTransitionTime: formatTime(now),
    message,
  };
  const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type);
  return {
    ...(isInfeasible ? { allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' } } : {}),
    conditions: [...others, condition],
  };
}

/** The driver may still work on it. As upstream. */
const uncertain: readonly RpcStatus[] = ['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted'];
const infeasible: readonly RpcStatus[] = ['InvalidArgument', 'OutOfRange', 'NotFound'];
