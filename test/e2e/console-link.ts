// How the tests of the console log in: by the command that users run.
import { join } from 'node:path';
import { type Cluster, output, root } from './cluster';

/** The link of `k8ts console` for the user of the cluster's kubeconfig. */
export async function loginLink(cluster: Cluster, ...options: readonly string[]): Promise<string> {
  const argv = [
    process.execPath,
    join(root, 'dist/k8ts.js'),
    'console',
    '--kubeconfig',
    cluster.kubeconfig,
    ...options,
  ];
  return (await output(argv)).trim();
}

export const serverOf = (cluster: Cluster): string => `https://${cluster.nodeIps[0]}:6443`;
