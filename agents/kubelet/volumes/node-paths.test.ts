import t from 'tap';
import { machinePath, upstreamPath } from './node-paths';

t.test("upstream's root folder is this node's root folder", async (t) => {
  const root = '/var/lib/k8ts/blue/nodes/worker-1/kubelet';
  for (const [path, expected] of [
    ['/var/lib/kubelet', root],
    ['/var/lib/kubelet/', `${root}/`],
    ['/var/lib/kubelet/plugins/a/csi.sock', `${root}/plugins/a/csi.sock`],
    ['//var/lib//kubelet/pods', `${root}/pods`],
    ['/var/lib/kubelets', '/var/lib/kubelets'],
    ['/var/lib', '/var/lib'],
    [`${root}/plugins`, `${root}/plugins`],
  ] as const) {
    t.equal(machinePath(root, path), expected, path);
  }
  t.equal(machinePath('/var/lib/kubelet', '/var/lib/kubelet/pods'), '/var/lib/kubelet/pods');
  t.equal(machinePath('/var/lib/kubelet/a', '/var/lib/kubelet/a/pods'), '/var/lib/kubelet/a/pods', 'named as it is');
  t.equal(upstreamPath(root, `${root}/pods/1`), '/var/lib/kubelet/pods/1');
  t.equal(upstreamPath(root, '/data'), '/data');
});
