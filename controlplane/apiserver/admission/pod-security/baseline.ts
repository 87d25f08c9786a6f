// The controls of level baseline: they forbid the known ways out of a container.
import type { Container } from '../../../api/pods/types';
import {
  type Check,
  type Control,
  exceptUserNamespace,
  type JudgedPod,
  named,
  namesOf,
  plural,
  quoted,
  setters,
  unique,
} from './control';
import { appArmorProfile, seccompAnnotations, seccompBaseline } from './profiles';

const hostNamespaces: Check = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => spec[key]);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((key) => `${key}=true`).join(', ') };
};

const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name ?? '');
  return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', names) };
};

/** The containers for which `of` returns any value, and all these values. */
function users(pod: JudgedPod, of: (container: Container) => readonly string[]) {
  const containers = pod.containers.filter((container) => of(container).length > 0);
  return { containers, values: unique(containers.flatMap(of)) };
}

const hostPorts: Check = (pod) => {
  const { containers, values } = users(pod, ({ ports = [] }) =>
    ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])),
  );
  if (containers.length === 0) return undefined;
  const verb = plural(containers.length, 'uses', 'use');
  const what = `${plural(values.length, 'hostPort')} ${values.join(', ')}`;
  return { reason: 'hostPort', detail: `${named('container', namesOf(containers))} ${verb} ${what}` };
};

/** With a host in a probe the pod's author makes the kubelet send requests from the node to any address. */
const hostProbes: Check = (pod) => {
  const { containers, values } = users(pod, (container) => {
    const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
    const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
    return handlers
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host): host is string => Boolean(host));
  });
  if (containers.length === 0) return undefined;
  const names = unique(namesOf(containers));
  const verb = plural(names.length, 'uses', 'use');
  const what = `${plural(values.length, 'probe or lifecycle host')} ${quoted(values)}`;
  return { reason: 'probe or lifecycle host', detail: `${named('container', names)} ${verb} ${what}` };
};

const privilegedContainers: Check = ({ containers }) => {
  const found = containers.filter(({ securityContext }) => securityContext?.privileged);
  if (found.length === 0) return undefined;
  return { reason: 'privileged', detail: `${setters(false, found)} must not set securityContext.privileged=true` };
};

/** The capabilities of every container by default; NET_RAW is not one of them. */
const defaultCapabilities = new Set(
  (
    'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID ' +
    'SYS_CHROOT'
  ).split(' '),
);

const capabilities: Check = (pod) => {
  const { containers, values } = users(pod, ({ securityContext }) =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => !defaultCapabilities.has(capability)),
  );
  if (containers.length === 0) return undefined;
  const detail = `${setters(false, containers)} must not include ${quoted(values)} in securityContext.capabilities.add`;
  return { reason: 'non-default capabilities', detail };
};

export const procMount: Check = (pod) => {
  const { containers, values } = users(pod, ({ securityContext }) => {
    const type = securityContext?.procMount;
    return type === undefined || type === 'Default' ? [] : [type];
  });
  if (containers.length === 0) return undefined;
  return {
    reason: 'procMount',
    detail: `${setters(false, containers)} must not set securityContext.procMount to ${quoted(values)}`,
  };
};

type SeLinuxOptions = NonNullable<NonNullable<Container['securityContext']>['seLinuxOptions']>;

function seLinuxOptions(types: ReadonlySet<string>): Check {
  const badType = ({ type = '' }: SeLinuxOptions) => !types.has(type);
  const isBad = (options: SeLinuxOptions | undefined): options is SeLinuxOptions =>
    options !== undefined && (badType(options) || Boolean(options.user) || Boolean(options.role));
  return ({ spec, containers }) => {
    const own = spec.securityContext?.seLinuxOptions;
    const found = containers.filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
    const who = setters(isBad(own), found);
    if (who === '') return undefined;
    const all = [own, ...found.map(({ securityContext }) => securityContext?.seLinuxOptions)].filter(isBad);
    const wrong = unique(all.filter(badType).map(({ type = '' }) => type));
    const detail = [
      ...(wrong.length > 0 ? [named('type', wrong)] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ].join('; ');
    return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${detail}` };
  };
}
const oldTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

const sysctls =
  (safe: ReadonlySet<string>): Check =>
  ({ spec }) => {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.has(name));
    return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') };
  };

/** Safe sysctls by release: namespaced, and without effect on other pods of the node. */
const safeSysctls: readonly (readonly [since: number, names: readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.ip_unprivileged_port_start',
      'net.ipv4.ping_group_range',
      'net.ipv4.tcp_syncookies',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
      'net.ipv4.tcp_keepalive_time',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

const windowsHostProcess: Check = ({ spec, containers }) => {
  const found = containers.filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess);
  const who = setters(spec.securityContext?.windowsOptions?.hostProcess === true, found);
  if (who === '') return undefined;
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
};

const always = (check: Check) => [{ since: 0, check }];

export const baselineControls: readonly Control[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: always(appArmorProfile) },
  { id: 'capabilities_baseline', level: 'baseline', versions: always(capabilities) },
  { id: 'hostNamespaces', level: 'baseline', versions: always(hostNamespaces) },
  { id: 'hostPathVolumes', level: 'baseline', versions: always(hostPathVolumes) },
  { id: 'hostPorts', level: 'baseline', versions: always(hostPorts) },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [{ since: 34, check: hostProbes }] },
  { id: 'privileged', level: 'baseline', versions: always(privilegedContainers) },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [...always(procMount), { since: 35, check: exceptUserNamespace(procMount) }],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      ...always(seLinuxOptions(new Set(oldTypes))),
      { since: 31, check: seLinuxOptions(new Set([...oldTypes, 'container_engine_t'])) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [...always(seccompAnnotations), { since: 19, check: seccompBaseline }],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: safeSysctls.map(([since], i) => ({
      since,
      check: sysctls(new Set(safeSysctls.slice(0, i + 1).flatMap(([, names]) => names))),
    })),
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: always(windowsHostProcess) },
];
