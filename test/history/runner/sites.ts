// Where the servers of a run are, and how they reach their store: all on loopback, or each in a place of its own with a member of etcd.
import { join } from 'node:path';
import { issueCertificate } from '../../../controlplane/pki/issue';
import { ensurePki, identities, readAuthority } from '../../../controlplane/pki/pki';
import type { Netns } from '../../../dataplane/netns/netns';
import { ensureControlPki } from '../../../hack/dev/control-pki';
import { storeOptions } from '../../../hack/dev/etcd';
import { apiPort, type ClusterPlan, controlNodes, planCluster, ranges } from '../../../hack/dev/plan';
import type { Credentials, Endpoint } from '../recorder/connection';
import type { Network } from './network';
import { freePort } from './ports';

export interface Site {
  readonly endpoint: Endpoint;
  readonly pkiDir: string;
  /** Options of the server about its store. */
  readonly store: readonly string[];
  /** The namespace of the server; absent: that of this process. */
  readonly netns?: Netns;
}
export interface Sites {
  readonly all: readonly Site[];
  /** Of an administrator. */
  readonly credentials: Credentials;
  /** The store has several members, and may have no majority for a while. */
  readonly needsMajority: boolean;
}

const host = '127.0.0.1';

/** @param stores --store of each server */
export async function openLoopback(folder: string, stores: readonly string[]): Promise<Sites> {
  const pkiDir = join(folder, 'pki');
  const { kubernetesService: serviceAddress, domain: clusterDomain } = ranges;
  await ensurePki(pkiDir, { advertiseAddress: host, serviceAddress, clusterDomain });
  const all: Site[] = [];
  for (const store of stores) {
    all.push({ endpoint: { host, port: await freePort() }, pkiDir, store: [`--store=${store}`] });
  }
  return { all, credentials: await credentialsIn(pkiDir), needsMajority: false };
}

/** The cluster of hack/up --control-planes, as far as servers and members go. @param prefix of the names of its namespaces */
export function planPlaces(folder: string, prefix: string, count: number): ClusterPlan {
  const plan = planCluster({
    name: 'history',
    nodes: count,
    subnet: '192.168.57.0/24',
    store: 'etcd',
    controlPlanes: count,
  });
  const nodes = plan.nodes.map((node, i) => {
    const dir = join(folder, `place-${i}`);
    const control = { pkiDir: join(dir, 'pki'), dataDir: dir, etcdDir: join(dir, 'etcd') };
    return { ...node, netns: `${prefix}-${i}`, control };
  });
  return { ...plan, nodes, pkiDir: nodes[0]!.control.pkiDir };
}

/** Writes the keys of the places. */
export async function openPlaces(plan: ClusterPlan, { clients: from, places }: Network): Promise<Sites> {
  await ensureControlPki(plan);
  const all = controlNodes(plan).map((node, i) => {
    const { ip, control } = node;
    const endpoint = { host: ip, port: apiPort, from };
    const { netns } = places[i]!;
    return { endpoint, pkiDir: control.pkiDir, store: storeOptions(plan, node, control), netns };
  });
  return { all, credentials: await credentialsIn(plan.pkiDir), needsMajority: true };
}

async function credentialsIn(pkiDir: string): Promise<Credentials> {
  const authority = (await readAuthority(pkiDir))!;
  return { ca: authority.cert, ...(await issueCertificate(authority, identities.admin, Date.now())) };
}
