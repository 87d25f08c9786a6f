// What this machine has, as resources of the Node object. Pure.
import { formatQuantity, milliValue, parseQuantity, unitValue } from '../../../controlplane/api/quantity';
import type { PodsLimit } from '../cgroups/pod-cgroups';
import { sharesOf } from '../cgroups/settings';
import type { MachineFacts } from './facts';
import { type Amounts, allocatable, podCapacity, type Reservations } from './reservations';

export interface CapacityInput {
  readonly machine: Pick<MachineFacts, 'cores' | 'memoryBytes' | 'hugePages'>;
  /** Size of the file system that holds the kubelet's files. */
  readonly diskBytes: number;
  readonly maxPods: number;
  /** 0: only maxPods counts. */
  readonly podsPerCore: number;
}

export function machineCapacity({ machine, diskBytes, maxPods, podsPerCore }: CapacityInput): Amounts {
  return {
    cpu: String(machine.cores),
    'ephemeral-storage': inBytes(diskBytes),
    ...machine.hugePages,
    memory: inBytes(machine.memoryBytes),
    pods: String(podsPerCore > 0 ? Math.min(maxPods, podsPerCore * machine.cores) : maxPods),
  };
}

const inBytes = (bytes: number): string => formatQuantity({ nano: BigInt(bytes) * 1_000_000_000n, format: 'BinarySI' });

/** Resources that another client has added to the node's capacity stay, as upstream: extended resources are announced so. */
export const withCapacityOf = (known: Amounts | undefined, machine: Amounts): Record<string, string> => ({
  ...known,
  ...machine,
});

/** What all pods together may use: CPU in proportion, memory as a limit. */
export function podsLimitOf(capacity: Amounts, reservations: Reservations): PodsLimit {
  const { cpu = '0', memory = '0' } = podCapacity(capacity, reservations);
  return { cpuShares: sharesOf(milliValue(cpu)), memoryBytes: unitValue(memory) };
}

/** As numbers: cpu in cores, others in their units. */
export function numericAllocatable(capacity: Amounts, reservations: Reservations): Readonly<Record<string, number>> {
  const amounts = Object.entries(allocatable(capacity, reservations));
  return Object.fromEntries(amounts.map(([name, amount]) => [name, Number(parseQuantity(amount).nano) / 1e9]));
}
