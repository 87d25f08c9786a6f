// Field rules of security contexts: identities, profiles, sysctls and contradictions.
import type { FieldCause } from '../../base/errors';
import { duplicate, invalid, invalidEach, notSupported, required, tooLong } from '../validation/causes';
import { inRange } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { Container, PodSpec } from './types';
import { localPath } from './validate-path';
import { validateWindowsOptions } from './validate-windows';

type PodContext = NonNullable<PodSpec['securityContext']>;
type ContainerContext = NonNullable<Container['securityContext']>;
type SeccompProfile = NonNullable<ContainerContext['seccompProfile']>;
type AppArmorProfile = NonNullable<ContainerContext['appArmorProfile']>;

const maxId = 2 ** 31 - 1;
const identity = (field: string, id: number | undefined): FieldCause[] =>
  id === undefined ? [] : invalidEach(field, id, inRange(id, 0, maxId));

export function validatePodSecurity(spec: PodSpec, field: string): FieldCause[] {
  const context = spec.securityContext;
  if (!context) return [];
  const { supplementalGroups = [], sysctls = [] } = context;
  // kube-apiserver's internal pod has this field in the security context, so messages name it there.
  const share = `${field}.shareProcessNamespace`;
  return [
    ...identity(`${field}.fsGroup`, context.fsGroup),
    ...identity(`${field}.runAsUser`, context.runAsUser),
    ...identity(`${field}.runAsGroup`, context.runAsGroup),
    ...supplementalGroups.flatMap((group, i) => identity(`${field}.supplementalGroups[${i}]`, group)),
    ...(spec.shareProcessNamespace && spec.hostPID
      ? [invalid(share, true, 'ShareProcessNamespace and HostPID cannot both be enabled')]
      : []),
    ...validateSysctls(sysctls, spec, `${field}.sysctls`),
    ...oneOf(`${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...validateWindowsOptions(context.windowsOptions, `${field}.windowsOptions`),
    ...validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
    ...oneOf(`${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...oneOf(`${field}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive']),
  ];
}

const maxSysctlLength = 253;
const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const sysctlFormat = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';

/** Any well-formed name is valid; the kubelet decides whether its node allows it. */
function validateSysctls(sysctls: NonNullable<PodContext['sysctls']>, spec: PodSpec, field: string): FieldCause[] {
  const names = new Set<string>();
  return sysctls.flatMap(({ name = '' }, i) => {
    const at = `${field}[${i}].name`;
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(at));
    else if (name.length > maxSysctlLength || !sysctlName.test(name)) {
      causes.push(invalid(at, name, `must have at most ${maxSysctlLength} characters and match regex ${sysctlFormat}`));
    } else if (names.has(name)) causes.push(duplicate(at, name));
    names.add(name);
    const namespace = sysctlNamespace(name);
    if (spec.hostNetwork && namespace === 'net') {
      causes.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"));
    } else if (spec.hostIPC && namespace === 'ipc') {
      causes.push(invalid(at, name, "may not be specified when 'hostIPC' is true"));
    }
    return causes;
  });
}

/** The kernel namespace a sysctl belongs to. Slashes may replace dots (sysctl.d(5)): the first separator decides. */
function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  const swapped: Readonly<Record<string, string>> = { '/': '.', '.': '/' };
  const dotted = /^[^./]*\//.test(name) ? name.replace(/[./]/g, (separator) => swapped[separator]!) : name;
  if (dotted.startsWith('net.')) return 'net';
  return /^(kernel\.(shm|msg)|kernel\.sem$|fs\.mqueue\.)/.test(dotted) ? 'ipc' : undefined;
}

const seccompTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateSeccomp(profile: SeccompProfile | undefined, field: string): FieldCause[] {
  if (!profile) return [];
  const { type = '', localhostProfile } = profile;
  const causes: FieldCause[] = [];
  if (type === '') causes.push(required(`${field}.type`, 'type is required when seccompProfile is set'));
  else if (!seccompTypes.includes(type)) causes.push(notSupported(`${field}.type`, type, seccompTypes));
  const at = `${field}.localhostProfile`;
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined) {
      causes.push(invalid(at, profile, 'can only be set when seccomp type is Localhost'));
    }
  } else if (localhostProfile === undefined) {
    causes.push(required(at, 'must be set when seccomp type is Localhost'));
  } else causes.push(...localPath(localhostProfile, at));
  return causes;
}

/** PATH_MAX without the terminating NUL. */
const maxProfileBytes = 4095;

function validateAppArmor(profile: AppArmorProfile | undefined, field: string): FieldCause[] {
  if (!profile) return [];
  const { type = '', localhostProfile } = profile;
  if (type === '') return [required(`${field}.type`, 'type is required when appArmorProfile is set')];
  if (!seccompTypes.includes(type)) return [notSupported(`${field}.type`, type, seccompTypes)];
  const at = `${field}.localhostProfile`;
  if (type !== 'Localhost') {
    return localhostProfile === undefined
      ? []
      : [invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost')];
  }
  if (!localhostProfile) return [required(at, 'must be set when AppArmor type is Localhost')];
  return [
    ...(localhostProfile.trim() === localhostProfile
      ? []
      : [invalid(at, localhostProfile, 'must not be padded with whitespace')]),
    ...(Buffer.byteLength(localhostProfile) > maxProfileBytes ? [tooLong(at, maxProfileBytes)] : []),
  ];
}

const procMounts = ['Default', 'Unmasked'];

export function validateContainerSecurity(
  context: ContainerContext | undefined,
  field: string,
  hostUsers: boolean,
): FieldCause[] {
  if (!context) return [];
  const { procMount } = context;
  return [
    ...identity(`${field}.runAsUser`, context.runAsUser),
    ...identity(`${field}.runAsGroup`, context.runAsGroup),
    ...oneOf(`${field}.procMount`, procMount, procMounts),
    ...(hostUsers && procMount === 'Unmasked'
      ? [invalid(`${field}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`')]
      : []),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...noEscalation(context, field),
    ...validateWindowsOptions(context.windowsOptions, `${field}.windowsOptions`),
    ...validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
  ];
}

/** A privileged process cannot gain more privileges, so allowPrivilegeEscalation: false contradicts it. */
function noEscalation(context: ContainerContext, field: string): FieldCause[] {
  if (context.allowPrivilegeEscalation !== false) return [];
  const contradiction = 'cannot set `allowPrivilegeEscalation` to false and';
  return [
    ...(context.privileged ? [invalid(field, context, `${contradiction} \`privileged\` to true`)] : []),
    ...(context.capabilities?.add ?? [])
      .filter((capability) => capability === 'CAP_SYS_ADMIN')
      .map(() => invalid(field, context, `${contradiction} \`capabilities.Add\` CAP_SYS_ADMIN`)),
  ];
}
