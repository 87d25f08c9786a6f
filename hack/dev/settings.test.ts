import t from 'tap';
import { parseOptions } from '../../controlplane/process/options';
import { upOptions } from './options';
import { changedSettings, checkKept, newSettings } from './settings';
import type { ClusterState } from './state';

const given = (...argv: string[]) => parseOptions(upOptions, argv, {}).options;
/** A cluster as an earlier version recorded it, without the settings that came later. */
const old = { name: 'blue', nodes: 3, subnet: '10.9.0.0/24', registryPort: 5000 } as ClusterState;
const withEtcd = { ...old, store: 'etcd', controlPlanes: 3, proxyMode: 'iptables' } satisfies ClusterState;

t.test('a new cluster', async (t) => {
  t.match(newSettings(given()), { nodes: 3, store: 'sqlite', controlPlanes: 1, dualStack: false, overlay: 'host-gw' });
  t.match(newSettings(given('--store', 'etcd', '--nodes', '1')), { nodes: 1, store: 'etcd', controlPlanes: 1 });
  t.match(newSettings(given('--control-planes', '3')), { nodes: 3, store: 'etcd', controlPlanes: 3 });
  t.throws(() => newSettings(given('--control-planes', '3', '--store', 'sqlite')), /several servers share/);
  t.throws(() => newSettings(given('--control-planes', '3', '--nodes', '2')), /as many nodes/);
  t.throws(() => given('--control-planes', '2'), /expected one of 1, 3/);
  t.throws(() => given('--overlay', 'auto'), /expected one of host-gw, vxlan/);
  t.throws(() => given('--store', 'memory'), /expected one of sqlite, etcd/);
});

t.test('what an existing cluster keeps', async (t) => {
  for (const [state, option, message] of [
    [old, ['--store', 'etcd'], /keeps its objects in SQLite; with an empty store it would lose them all/],
    [withEtcd, ['--store', 'sqlite'], /keeps its objects in etcd/],
    [old, ['--control-planes', '3'], /has 1 control plane,/],
    [withEtcd, ['--control-planes', '1'], /has 3 control planes/],
    [old, ['--nodes', '4'], /has 3 nodes, not 4/],
    [old, ['--subnet', '10.8.0.0/24'], /is on 10\.9\.0\.0\/24/],
    [old, ['--dual-stack'], /is IPv4 alone/],
    [{ ...old, dualStack: true }, ['--no-dual-stack'], /is dual-stack/],
  ] as const) {
    t.throws(() => checkKept(state, given(...option)), message, option.join(' '));
  }
  for (const state of [old, withEtcd]) checkKept(state, given());
  checkKept(old, given('--store', 'sqlite', '--control-planes', '1', '--nodes', '3'));
  checkKept(withEtcd, given('--store', 'etcd', '--control-planes', '3'));
});

t.test('what may change', async (t) => {
  t.strictSame(changedSettings(withEtcd, given()), {});
  t.strictSame(changedSettings(withEtcd, given('--proxy-mode', 'iptables')), {});
  t.strictSame(
    changedSettings(withEtcd, given('--proxy-mode', 'nftables', '--overlay', 'vxlan', '--hang-timeout', '0')),
    {
      proxyMode: 'nftables',
      overlay: 'vxlan',
      hangTimeoutSeconds: 0,
    },
  );
});
