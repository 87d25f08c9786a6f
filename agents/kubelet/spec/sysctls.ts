// Which sysctls a pod of this node may set. Pure. Source: kubernetes.io "Using sysctls in a Kubernetes Cluster". The kernels of all
// supported systems have each safe sysctl once per namespace.
import type { Pod } from '../../../controlplane/api';
import { BadRequest } from '../../../controlplane/base/errors';

type Namespace = 'IPC' | 'Net';

/** Each pod has its own value, which does not affect other pods of the node. */
const safe: readonly string[] = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
];

const ipcNames: ReadonlySet<string> = new Set([
  'kernel.sem',
  'kernel.shm',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'kernel.msg',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
]);

/** Undefined for a sysctl that all namespaces of the machine share. */
function namespaceOf(name: string): Namespace | undefined {
  if (ipcNames.has(name) || name.startsWith('fs.mqueue.')) return 'IPC';
  return name.startsWith('net.') ? 'Net' : undefined;
}

/** The name with dots as separators. Its first dot or slash is the separator; the other character belongs to an interface's name. */
export function dotted(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  return first === '/' ? name.replace(/[./]/g, (found) => (found === '/' ? '.' : '/')) : name;
}

const maxLength = 253;
const segment = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const lastSegment = /^([a-z0-9][-_a-z0-9]*)?[a-z0-9*]$/;

/** Parses the option's names, or beginnings of names with `*` at the end. @throws BadRequest */
export function parseSysctlPatterns(patterns: readonly string[]): readonly string[] {
  return patterns.map((text) => {
    const parts = text.split(/[./]/);
    const last = parts.pop() ?? '';
    if (text.length > maxLength || !parts.every((part) => segment.test(part)) || !lastSegment.test(last)) {
      throw new BadRequest(`not a name or pattern of sysctls: ${JSON.stringify(text)}`);
    }
    const pattern = dotted(text);
    if (!namespaceOf(pattern.replace(/\*$/, ''))) {
      throw new BadRequest(`the sysctls ${JSON.stringify(text)} are not known to be namespaced`);
    }
    return pattern;
  });
}

/** Why the pod must not run here; undefined when it may. `allowedUnsafe` comes from parseSysctlPatterns. */
export function forbiddenSysctl({ spec }: Pod, allowedUnsafe: readonly string[]): string | undefined {
  const matches = (name: string) => (pattern: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  for (const { name } of spec?.securityContext?.sysctls ?? []) {
    const plain = dotted(name);
    if (![...safe, ...allowedUnsafe].some(matches(plain))) return `"${plain}" not allowlisted`;
    const namespace = namespaceOf(plain);
    const isHosts = (namespace === 'IPC' && spec?.hostIPC) || (namespace === 'Net' && spec?.hostNetwork);
    if (isHosts) return `"${plain}" not allowed with host ${namespace} enabled`;
  }
  return undefined;
}
