// An HTTPS server that plays the part of a kubelet that says what its node uses: /stats/summary.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { nodes } from '../../controlplane/api';
import type { Client } from '../../controlplane/client/client';
import type { KeyPair } from '../../controlplane/pki/certificate';
import { issueCertificate } from '../../controlplane/pki/issue';

export interface StatsKubelet {
  /** What it answers from now on: millicores of the containers `c` of these pods, by the uid of the pod. */
  use(milliCores: ReadonlyMap<string, number>): void;
}

/** Makes it the kubelet of the node. It ends with the test. */
export async function startStatsKubelet(
  test: Test,
  client: Client,
  authority: KeyPair,
  node: string,
): Promise<StatsKubelet> {
  const host = '127.0.0.1';
  const pair = await issueCertificate(authority, { commonName: host, hosts: [host], usages: ['server'] }, Date.now());
  let used: ReadonlyMap<string, number> = new Map();
  const server = createServer({ cert: pair.cert, key: pair.key }, (_request, response) => {
    const time = new Date().toISOString();
    const usage = (milli: number) => ({
      cpu: { time, usageNanoCores: milli * 1e6 },
      memory: { time, workingSetBytes: 1024 },
    });
    const pods = [...used].map(([uid, milli]) => ({ podRef: { uid }, containers: [{ name: 'c', ...usage(milli) }] }));
    response.end(JSON.stringify({ node: usage(1), pods }));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const status = {
    addresses: [{ type: 'InternalIP', address: host }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await client.patch(nodes, node, 'merge', { status }, { subresource: 'status' });
  return {
    use: (milliCores) => {
      used = milliCores;
    },
  };
}
