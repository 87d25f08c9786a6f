// Pieces that up, down and status share: the programs, the plan of a recorded cluster, waiting with a reason.
import { dirname, join } from 'node:path';
import { systemClock } from '../../controlplane/base/clock';
import { Unavailable } from '../../controlplane/base/errors';
import { findProgram } from './facts';
import { type ClusterPlan, defaultName, planCluster } from './plan';
import { Refused } from './preflight';
import type { ProgramPaths } from './processes';
import { type ClusterState, readState, recordedClusters } from './state';

/** The checkout: this file runs as dist/dev.js. */
export const checkout = dirname(__dirname);
export const demoDir = join(checkout, 'hack/demo');
export const imagePaths = { dir: join(checkout, '.runtime/images'), source: join(checkout, 'hack/image') };

export function findPrograms(path: string): ProgramPaths {
  return {
    node: process.execPath,
    bundle: join(checkout, 'dist/k8ts.js'),
    compileCache: join(checkout, '.runtime/compile-cache'),
    dockerd: findProgram('dockerd', path) ?? 'dockerd',
    dockerRegistry: findProgram('docker-registry', path) ?? 'docker-registry',
    etcd: findProgram('etcd', path) ?? 'etcd',
  };
}

export const supervisorProgram = (): readonly string[] => [process.execPath, join(checkout, 'dist/supervisor.js')];

/**
 * @param name empty: not named, see clusterMeant
 * @throws Refused when no such cluster is recorded
 */
export function openCluster(name: string): { readonly state: ClusterState; readonly plan: ClusterPlan } {
  const others = recordedClusters();
  const meant = clusterMeant(name, others);
  const state = readState(meant);
  if (state) return { state, plan: planCluster(state) };
  throw new Refused(
    `there is no cluster ${meant} on this host${others.length > 0 ? `; there is: ${others.join(', ')}` : ''}.`,
    others.length > 0 ? `Name one with --name, like: --name ${others[0]}` : 'Start one with: hack/up',
  );
}

/** Without a name: the only cluster there is, or the one that hack/up makes without a name. Pure. */
export const clusterMeant = (name: string, recorded: readonly string[]): string =>
  name !== '' ? name : recorded.length === 1 ? recorded[0]! : defaultName;

const pollMs = 50;

/**
 * Calls `probe` until it returns undefined, which means done; any other result names what is still missing.
 * @throws Unavailable with the last result when the time is over
 */
export async function waitUntil(
  what: string,
  timeoutMs: number,
  probe: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = systemClock.now() + timeoutMs;
  for (;;) {
    const missing = await probe();
    if (missing === undefined) return;
    if (systemClock.now() > deadline) throw new Unavailable(`${what}: not after ${timeoutMs / 1000} s: ${missing}`);
    await systemClock.sleep(pollMs);
  }
}
