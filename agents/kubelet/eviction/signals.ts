// What the node can run short of: the signals, the resource that each one is about, and the Node condition that reports it. Pure.
// Source: kubernetes.io "Node-pressure Eviction".

const memory = { resource: 'memory', condition: 'MemoryPressure' } as const;
const disk = { resource: 'ephemeral-storage', condition: 'DiskPressure' } as const;
const inodes = { resource: 'inodes', condition: 'DiskPressure' } as const;

export const signals = {
  'memory.available': memory,
  'allocatableMemory.available': memory,
  'nodefs.available': disk,
  'nodefs.inodesFree': inodes,
  'imagefs.available': disk,
  'imagefs.inodesFree': inodes,
  'containerfs.available': disk,
  'containerfs.inodesFree': inodes,
  'pid.available': { resource: 'pids', condition: 'PIDPressure' },
} as const;

export type Signal = keyof typeof signals;
export type StarvedResource = (typeof signals)[Signal]['resource'];
export type PressureCondition = (typeof signals)[Signal]['condition'];

export const isSignal = (text: string): text is Signal => Object.hasOwn(signals, text);

/** How much is left, and of how much: bytes, inodes or processes. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** A signal that could not be read is absent. */
export type Observations = Readonly<Partial<Record<Signal, Observation>>>;
