// One container of a pod as the runtime creates it. Pure.
import { graceSecondsOf, type Pod } from '../../../controlplane/api';
import {
  containerType,
  labels,
  type PodIdentity,
  podLabels,
  runtimeName,
  sandboxContainerName,
  sandboxType,
} from '../runtime/labels';
import type { ContainerSpec, Device, ImageRecord, Mount, NamespaceRef } from '../runtime/runtime';
import { ConfigError, type Container } from './container';
import { containerResources, minShares } from './container-resources';
import { expand, TextLimit } from './expand';
import { oomScoreAdj, type ScoredNode } from './oom-score';
import { appArmorOf } from './security-profiles';
import { specHash } from './spec-hash';
import { dotted } from './sysctls';

export interface ContainerInput extends ScoredNode {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly sandboxId: string;
  /** The container whose processes this one sees; undefined for its own. */
  readonly targetId?: string | undefined;
  /** The container runtime of the sandbox, if it is not the default one. */
  readonly handler?: string | undefined;
  /** The pod's cgroup, if it has one. */
  readonly cgroupParent?: string | undefined;
  readonly env: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly devices?: readonly Device[];
  /** Of device plug-ins, for programs that look at the runtime's containers. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly image: ImageRecord;
  readonly terminationLog: string;
  /** 'unconfined' or the text of a profile. */
  readonly seccomp?: string | undefined;
}

export const identityOf = ({ metadata }: Pod): PodIdentity => ({
  name: metadata?.name ?? '',
  namespace: metadata?.namespace ?? '',
  uid: metadata?.uid ?? '',
});

/** The way upstream prints a pod in messages: name_namespace(uid). */
export const formatPod = ({ name, namespace, uid }: PodIdentity): string => `${name}_${namespace}(${uid})`;

/** @throws ConfigError when the pod requires a user that the image does not have, or the arguments are too long */
export function containerSpec(input: ContainerInput): ContainerSpec {
  const { pod, container, env, sandboxId } = input;
  const identity = identityOf(pod);
  const spec = pod.spec!;
  const security = container.securityContext ?? {};
  const podSecurity = spec.securityContext ?? {};
  checkNonRoot(input);
  const user = security.runAsUser ?? podSecurity.runAsUser;
  const group = security.runAsGroup ?? podSecurity.runAsGroup;
  const appArmor = appArmorOf(pod, container);
  const groups = [
    ...(podSecurity.supplementalGroups ?? []),
    ...(podSecurity.fsGroup === undefined ? [] : [podSecurity.fsGroup]),
  ];
  return {
    name: runtimeName(identity, container.name, input.attempt),
    image: input.image.id,
    labels: {
      ...Object.fromEntries(
        Object.entries(input.annotations ?? {}).map(([name, value]) => [`annotation.${name}`, value]),
      ),
      ...podLabels(identity),
      [labels.type]: containerType,
      [labels.containerName]: container.name,
      [labels.restartCount]: String(input.attempt),
      [labels.sandboxId]: sandboxId,
      [labels.specHash]: specHash(container),
      [labels.memoryRequest]: container.resources?.requests?.['memory'] ?? '',
      [labels.terminationLog]: input.terminationLog,
      [labels.graceSeconds]: String(graceSecondsOf(spec)),
    },
    ...(container.command ? { entrypoint: expandAll(container.command, env) } : {}),
    ...(container.args ? { args: expandAll(container.args, env) } : {}),
    env: [...env].map(([name, value]) => `${name}=${value}`),
    ...(container.workingDir ? { workingDir: container.workingDir } : {}),
    ...(userOf(user, group, input.image.user) ?? {}),
    groups: groups.map(String),
    mounts: input.mounts,
    devices: input.devices ?? [],
    network: spec.hostNetwork ? 'host' : { container: sandboxId },
    // In a pod's namespace the host name is the sandbox's. On the node's network Docker would use the name of the machine.
    ...(spec.hostNetwork && spec.nodeName ? { hostname: spec.nodeName } : {}),
    ipc: spec.hostIPC ? 'host' : { container: sandboxId },
    pid: pidNamespace(input),
    ...(input.handler ? { runtime: input.handler } : {}),
    ...(input.cgroupParent ? { cgroupParent: input.cgroupParent } : {}),
    ...containerResources(container, spec.resources),
    oomScoreAdj: oomScoreAdj(pod, container, input),
    privileged: security.privileged ?? false,
    readOnlyRoot: security.readOnlyRootFilesystem ?? false,
    noNewPrivileges: security.allowPrivilegeEscalation === false,
    ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
    ...(appArmor === undefined ? {} : { appArmor }),
    ...(security.procMount === 'Unmasked' ? { unmaskedProc: true } : {}),
    addCapabilities: security.capabilities?.add ?? [],
    dropCapabilities: security.capabilities?.drop ?? [],
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
  };
}

/** @throws ConfigError when the results together are longer than a process can have */
function expandAll(texts: readonly string[], env: ReadonlyMap<string, string>): string[] {
  const limit = new TextLimit();
  return texts.map((text) => {
    const expanded = expand(text, env);
    limit.add(expanded);
    return expanded;
  });
}

/** A target counts only where containers have processes of their own: otherwise its processes are visible anyway. */
function pidNamespace({ pod, sandboxId, targetId }: ContainerInput): NamespaceRef {
  if (pod.spec?.hostPID) return 'host';
  if (pod.spec?.shareProcessNamespace) return { container: sandboxId };
  return targetId === undefined ? 'own' : { container: targetId };
}

function userOf(user: number | undefined, group: number | undefined, imageUser: string): { user: string } | undefined {
  if (user === undefined && group === undefined) return undefined;
  const name = user === undefined ? imageUser.split(':')[0] || '0' : String(user);
  return { user: group === undefined ? name : `${name}:${group}` };
}

function checkNonRoot({ pod, container, image }: ContainerInput): void {
  const security = container.securityContext ?? {};
  const podSecurity = pod.spec?.securityContext ?? {};
  if (!(security.runAsNonRoot ?? podSecurity.runAsNonRoot)) return;
  const where = `(pod: "${formatPod(identityOf(pod))}", container: ${container.name})`;
  const user = security.runAsUser ?? podSecurity.runAsUser;
  if (user === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (user !== undefined) return;
  const imageUser = image.user.split(':')[0] ?? '';
  if (imageUser === '' || imageUser === '0') {
    throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  }
  if (!/^\d+$/.test(imageUser)) {
    const message = `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`;
    throw new ConfigError(`${message} ${where}`);
  }
}

export interface SandboxInput {
  readonly pod: Pod;
  readonly attempt: number;
  readonly image: string;
  readonly hostname: string;
  readonly podIps: readonly string[];
  /** The handler of the pod's RuntimeClass. */
  readonly handler?: string | undefined;
  readonly cgroupParent?: string | undefined;
}

/** The pause container that holds the pod's namespaces. */
export function sandboxSpec({
  pod,
  attempt,
  image,
  hostname,
  podIps,
  handler,
  cgroupParent,
}: SandboxInput): ContainerSpec {
  const identity = identityOf(pod);
  const { hostNetwork, hostIPC, hostPID, securityContext } = pod.spec ?? {};
  return {
    name: runtimeName(identity, sandboxContainerName, attempt),
    image,
    labels: {
      ...podLabels(identity),
      [labels.type]: sandboxType,
      [labels.containerName]: sandboxContainerName,
      [labels.restartCount]: String(attempt),
      ...(podIps.length > 0 ? { [labels.podIps]: podIps.join(',') } : {}),
      ...(handler ? { [labels.runtimeHandler]: handler } : {}),
    },
    env: [],
    hostname,
    mounts: [],
    network: hostNetwork ? 'host' : 'own',
    ipc: hostIPC ? 'host' : 'own',
    pid: hostPID ? 'host' : 'own',
    ...(handler ? { runtime: handler } : {}),
    ...(cgroupParent ? { cgroupParent } : {}),
    cpuShares: minShares,
    sysctls: Object.fromEntries((securityContext?.sysctls ?? []).map(({ name, value }) => [dotted(name), value])),
    keepLog: false,
  };
}
