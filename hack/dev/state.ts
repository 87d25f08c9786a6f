// The record of a cluster between scripts, in its state directory: its settings, and the state of the host before.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { writePrivate } from '../../controlplane/pki/files';
import type { ProxyMode } from '../../dataplane/service/mode';
import type { HostRecord } from './host-record';
import { type LocalOverlay, type StoreKind, stateRoot, type TrackedWrites } from './plan';

export interface ClusterState {
  readonly name: string;
  readonly nodes: number;
  readonly subnet: string;
  readonly registryPort: number;
  readonly dualStack?: boolean;
  readonly proxyMode?: ProxyMode;
  readonly overlay?: LocalOverlay;
  readonly hangTimeoutSeconds?: number;
  readonly managedFields?: TrackedWrites;
  readonly store?: StoreKind;
  readonly controlPlanes?: number;
  /** The user's kubeconfig that the context was merged into, and its text before: undefined when there was none. */
  readonly kubeconfig: {
    readonly path: string;
    readonly owner?: { readonly uid: number; readonly gid: number };
    readonly original?: string;
    readonly directoryMade: boolean;
  };
  readonly before: HostRecord;
}

const statePath = (name: string): string => `${stateRoot}/${name}/cluster.json`;

export const writeState = (state: ClusterState): Promise<void> =>
  writePrivate(statePath(state.name), JSON.stringify(state));

/** undefined when no such cluster is recorded. */
export function readState(name: string): ClusterState | undefined {
  const path = statePath(name);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ClusterState) : undefined;
}

/** Names of all clusters recorded on this host. */
export function recordedClusters(): readonly string[] {
  if (!existsSync(stateRoot)) return [];
  return readdirSync(stateRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(statePath(entry.name)))
    .map((entry) => entry.name)
    .sort();
}

/** Settings of the host that several clusters share: the first cluster changes them, the last one restores them. */
interface SharedState {
  readonly ipForward: string;
  readonly clusters: readonly string[];
}
const sharedPath = `${stateRoot}/host.json`;
const readShared = (): SharedState | undefined =>
  existsSync(sharedPath) ? (JSON.parse(readFileSync(sharedPath, 'utf8')) as SharedState) : undefined;

/** Records that cluster `name` needs IP forwarding; `current` is the present value of the setting. */
export async function claimForwarding(name: string, current: string): Promise<void> {
  const shared = readShared() ?? { ipForward: current, clusters: [] };
  if (shared.clusters.includes(name)) return;
  await writePrivate(sharedPath, JSON.stringify({ ...shared, clusters: [...shared.clusters, name] }));
}

/** The value to restore if `name` was the last cluster; undefined if other clusters need the setting, or no cluster changed it. */
export async function releaseForwarding(name: string): Promise<string | undefined> {
  const shared = readShared();
  if (!shared?.clusters.includes(name)) return undefined;
  const clusters = shared.clusters.filter((other) => other !== name);
  if (clusters.length > 0) {
    await writePrivate(sharedPath, JSON.stringify({ ...shared, clusters }));
    return undefined;
  }
  rmSync(sharedPath, { force: true });
  return shared.ipForward;
}
