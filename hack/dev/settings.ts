// The settings of a cluster: what a new one gets, and what an existing one keeps. Pure.
import type { Parsed } from '../../controlplane/process/options';
import type { upOptions } from './options';
import type { StoreKind } from './plan';
import { Refused } from './preflight';
import type { ClusterState } from './state';

export type UpOptions = Parsed<typeof upOptions>;

const defaultNodes = 3;

/** @throws Refused when the options exclude each other */
export function newSettings(options: UpOptions) {
  const { controlPlanes = 1 } = options;
  const store = options.store ?? (controlPlanes > 1 ? 'etcd' : 'sqlite');
  const nodes = options.nodes ?? Math.max(defaultNodes, controlPlanes);
  if (controlPlanes > 1 && store === 'sqlite') {
    throw new Refused(
      `--control-planes=${controlPlanes} needs a store that several servers share, and SQLite is a file of one of them.`,
      'Leave out --store, or use --store etcd',
    );
  }
  if (nodes < controlPlanes) {
    throw new Refused(
      `${controlPlanes} control planes need as many nodes, and --nodes=${nodes} is less.`,
      `Leave out --nodes, or use --nodes ${controlPlanes}`,
    );
  }
  return {
    nodes,
    store,
    controlPlanes,
    dualStack: options.dualStack ?? false,
    proxyMode: options.proxyMode ?? 'iptables',
    overlay: options.overlay ?? 'host-gw',
    hangTimeoutSeconds: options.hangTimeout ?? 60,
    managedFields: options.managedFields ?? 'all',
  };
}

/** The settings that can change while the cluster runs, as given; kube-proxy and kubelet change their mode by themselves. */
export function changedSettings(state: ClusterState, options: UpOptions): Partial<ClusterState> {
  const { proxyMode, overlay, hangTimeout: hangTimeoutSeconds, managedFields } = options;
  const settings: Partial<ClusterState> = { proxyMode, overlay, hangTimeoutSeconds, managedFields };
  return Object.fromEntries(
    Object.entries(settings).filter(
      ([key, value]) => value !== undefined && state[key as keyof ClusterState] !== value,
    ),
  );
}

const inStore: Readonly<Record<StoreKind, string>> = { sqlite: 'in SQLite', etcd: 'in etcd' };

/** @throws Refused for an option that an existing cluster cannot take */
export function checkKept(state: ClusterState, options: UpOptions): void {
  const { name, nodes, subnet, dualStack = false, store = 'sqlite', controlPlanes = 1 } = state;
  const refuse = (what: string, option: string): never => {
    throw new Refused(
      `cluster ${name} ${what}.`,
      `Stop it first with hack/down --name ${name}, or start another one: hack/up --name NAME ${option}`,
    );
  };
  if (options.nodes !== undefined && options.nodes !== nodes) {
    refuse(`has ${nodes} nodes, not ${options.nodes}`, `--nodes ${options.nodes}`);
  }
  if (options.subnet !== '' && options.subnet !== subnet) {
    refuse(`is on ${subnet}, not on ${options.subnet}`, `--subnet ${options.subnet}`);
  }
  if (options.dualStack !== undefined && options.dualStack !== dualStack) {
    const [is, option] = dualStack ? ['dual-stack', '--no-dual-stack'] : ['IPv4 alone', '--dual-stack'];
    refuse(`is ${is}, and the ranges of its nodes and Services cannot change`, option);
  }
  if (options.store !== undefined && options.store !== store) {
    refuse(
      `keeps its objects ${inStore[store]}; with an empty store it would lose them all`,
      `--store ${options.store}`,
    );
  }
  if (options.controlPlanes !== undefined && options.controlPlanes !== controlPlanes) {
    refuse(
      `has ${controlPlanes === 1 ? '1 control plane' : `${controlPlanes} control planes`}, and the names and addresses of its nodes depend on that`,
      `--control-planes ${options.controlPlanes}`,
    );
  }
}
