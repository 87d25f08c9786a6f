// Field rules of pods for Windows, and of Windows fields in pods for Linux. No node runs Windows, so such pods wait.
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Subdomain } from '../validation/names';
import type { Container, PodSpec } from './types';
import { placedContainers } from './visit';

type WindowsOptions = NonNullable<NonNullable<Container['securityContext']>['windowsOptions']>;

/** Fields that the operating system of the pod forbids. */
export function validateOs(spec: PodSpec, field: string): FieldCause[] {
  if (!spec.os) return [];
  const { name = '' } = spec.os;
  if (name === '') return [required(`${field}.os.name`)];
  if (name === 'linux') return noWindowsOptions(spec, field);
  if (name === 'windows') return noLinuxFields(spec, field);
  return [notSupported(`${field}.os`, name, ['linux', 'windows'])];
}

function noWindowsOptions(spec: PodSpec, field: string): FieldCause[] {
  const owners = [{ container: spec, field }, ...placedContainers(spec, field)];
  return owners
    .filter(({ container }) => container.securityContext?.windowsOptions)
    .map((owner) =>
      forbidden(`${owner.field}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'),
    );
}

const linuxPodFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const linuxContainerFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

function noLinuxFields(spec: PodSpec, field: string): FieldCause[] {
  const refuse = (at: string) => forbidden(at, 'cannot be set for a windows pod');
  const set = <K extends string>(context: { readonly [key in K]?: unknown } | undefined, keys: readonly K[]) =>
    keys.filter((key) => context?.[key] !== undefined);
  return [
    ...set(spec, ['hostUsers', 'shareProcessNamespace']).map((key) => refuse(`${field}.${key}`)),
    ...(['hostPID', 'hostIPC'] as const).filter((key) => spec[key]).map((key) => refuse(`${field}.${key}`)),
    ...set(spec.securityContext, linuxPodFields).map((key) => refuse(`${field}.securityContext.${key}`)),
    ...placedContainers(spec, field).flatMap((placed) =>
      set(placed.container.securityContext, linuxContainerFields).map((key) =>
        refuse(`${placed.field}.securityContext.${key}`),
      ),
    ),
    ...(spec.resources ? [forbidden(`${field}.resources`, 'may not be set for a windows pod')] : []),
  ];
}

/** Either all containers of a pod are host processes or none; host processes require hostNetwork. */
export function validateHostProcess(spec: PodSpec, field: string): FieldCause[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = placedContainers(spec, field);
  const own = ({ container }: (typeof containers)[number]) => container.securityContext?.windowsOptions?.hostProcess;
  const causes = containers
    .filter((placed) => ofPod !== undefined && own(placed) !== undefined && own(placed) !== ofPod)
    .map((placed) =>
      invalid(
        `${placed.field}.securityContext.windowsOptions.hostProcess`,
        own(placed),
        `pod hostProcess value must be identical if both are specified, was ${ofPod}`,
      ),
    );
  const count = containers.filter((placed) => own(placed) ?? ofPod).length;
  if (count === 0) return causes;
  if (count !== containers.length) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    causes.push(invalid(field, '', detail));
  }
  if (!spec.hostNetwork) {
    const detail = 'hostNetwork must be true if pod contains any hostProcess containers';
    causes.push(invalid(`${field}.hostNetwork`, false, detail));
  }
  return causes;
}

const maxSpecBytes = 64 * 1024;

export function validateWindowsOptions(options: WindowsOptions | undefined, field: string): FieldCause[] {
  if (!options) return [];
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  const causes: FieldCause[] = [];
  if (gmsaCredentialSpecName !== undefined) {
    const at = `${field}.gmsaCredentialSpecName`;
    causes.push(...invalidEach(at, gmsaCredentialSpecName, dns1123Subdomain(gmsaCredentialSpecName)));
  }
  if (gmsaCredentialSpec !== undefined) {
    const at = `${field}.gmsaCredentialSpec`;
    const size = Buffer.byteLength(gmsaCredentialSpec);
    if (size === 0) causes.push(invalid(at, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
    if (size > maxSpecBytes) {
      causes.push(invalid(at, gmsaCredentialSpec, 'gmsaCredentialSpec size must be under 64 KiB'));
    }
  }
  if (runAsUserName !== undefined) {
    causes.push(...invalidEach(`${field}.runAsUserName`, runAsUserName, userNameProblems(runAsUserName)));
  }
  return causes;
}

const maxDomainLength = 256;
const maxUserLength = 104;
const netBiosDomain = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsDomain = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** DOMAIN\USER or USER. */
function userNameProblems(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (/\p{Cc}/u.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const problems: string[] = [];
  if (domain !== undefined) {
    const isLong = domain.length >= maxDomainLength;
    if (isLong) problems.push(`runAsUserName's Domain length must be under ${maxDomainLength} characters`);
    if (isLong || !(netBiosDomain.test(domain) || dnsDomain.test(domain))) {
      problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
    }
  }
  if (user === '') problems.push("runAsUserName's User cannot be empty");
  else if (user.length > maxUserLength) {
    problems.push(`runAsUserName's User length must not be longer than ${maxUserLength} characters`);
  }
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    problems.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  }
  return problems;
}
