// PacketPaths: the API says what the command says.
import type { Test } from 'tap';
import type { PathReport } from '../../controlplane/base/path-report';
import { type Cluster, output, root } from './cluster';

export async function packetPathTests(t: Test, cluster: Cluster): Promise<void> {
  await t.test('a PacketPath says what the command says', async (t) => {
    for (const to of ['svc/far', 'svc/selector-mismatch']) {
      const argv = ['labs/client', to, '-n', 'labs', '-o', 'json'];
      const command = JSON.parse(await spoken(cluster, argv)) as PathReport;
      const api = await packetPath(cluster, { from: 'labs/client', to, namespace: 'labs' });
      const said = ({ verdict: { works, code, hop }, hops, probed }: PathReport) => ({
        ...{ works, code, hop, probed },
        hops: hops.map(({ leg, node, kind, name, state }) => ({ leg, node, kind, name, state })),
      });
      t.strictSame(said(api), said(command), to);
    }
    t.match(
      await packetPath(cluster, { from: 'outside', to: `http://${cluster.nodeIps[1]}/`, probe: false }),
      { from: `${cluster.plan.gateway} outside` },
      'outside is the machine that asks',
    );
  });
}

/** Standard output of the command; status 1 says that the packet does not arrive, 2 that it is not sure. */
export const spoken = (cluster: Cluster, argv: readonly string[], input = ''): Promise<string> =>
  output(['sh', '-c', '"$@" || [ $? -le 2 ]', 'sh', process.execPath, `${root}/dist/k8ts.js`, 'path', ...argv], {
    env: cluster.env,
    input,
  });

export async function packetPath(cluster: Cluster, spec: object, ...options: readonly string[]): Promise<PathReport> {
  const input = JSON.stringify({ apiVersion: 'path.k8ts.io/v1alpha1', kind: 'PacketPath', spec });
  const text = await output(['kubectl', 'create', '--validate=false', '-o', 'json', '-f', '-', ...options], {
    env: cluster.env,
    input,
  });
  return (JSON.parse(text) as { status: PathReport }).status;
}
