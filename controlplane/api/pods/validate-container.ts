// Field rules of containers: names, images, ports, mounts, and the fields that each of the three kinds of containers may have.

import type { FieldCause } from '../../base/errors';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notFound,
  notSupported,
  required,
  tooMany,
} from '../validation/causes';
import { dns1123Label, portName, portNumber } from '../validation/names';
import { oneOf } from '../validation/selectors';
import { initAndAppContainers, isSidecar } from './facts';
import type { Container, PodSpec } from './types';
import { claimNames } from './validate-claims';
import { validateEnvironment } from './validate-env';
import { validateDevices, validateMounts } from './validate-mounts';
import { validateLifecycle, validateProbes } from './validate-probe';
import { validateResources } from './validate-resources';
import { validateContainerSecurity } from './validate-security';

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const messagePolicies = ['File', 'FallbackToLogsOnError'];
const protocols = ['SCTP', 'TCP', 'UDP'];

/** The parts of the pod that rules of a container need. */
interface Surroundings {
  readonly spec: PodSpec;
  readonly claims: ReadonlySet<string>;
  /** False in a template: some rules are checked only on its pods. */
  readonly isPod: boolean;
}

/** All containers of a pod; their names are unique over all three lists. `field` is the path of the spec. */
export function validateContainers(spec: PodSpec, field: string, isPod: boolean): FieldCause[] {
  const around = { spec, claims: claimNames(spec), isPod };
  return [
    ...(spec.containers?.length ? validateApps(spec.containers, around, field) : [required(`${field}.containers`)]),
    ...validateInits(spec.initContainers ?? [], around, field),
    ...validateEphemerals(spec, around, field),
    ...matchHostPorts(spec, `${field}.containers`, isPod),
  ];
}

function validateApps(containers: readonly Container[], around: Surroundings, field: string): FieldCause[] {
  const names = new Set<string>();
  const causes = containers.flatMap((container, i) => {
    const at = `${field}.containers[${i}]`;
    return [
      ...validateCommon(container, at, around),
      ...uniqueName(container, names, at),
      ...validateLifecycle(container.lifecycle, `${at}.lifecycle`, around.spec),
      ...validateProbes(container, at),
      ...validateRestartPolicy(container, at),
    ];
  });
  return [...causes, ...validateHostPorts(containers, `${field}.containers`)];
}

const restartPolicies = ['Always', 'Never', 'OnFailure'];
const restartActions = ['Restart', 'RestartAllContainers'];
const maxRestartRules = 20;
const maxExitCodes = 255;

/** A container's own policy, and its rules for exit codes (KEP-5307). */
function validateRestartPolicy({ restartPolicy, restartPolicyRules: rules = [] }: Container, at: string): FieldCause[] {
  const field = `${at}.restartPolicyRules`;
  const none = restartPolicy === undefined && rules.length > 0;
  return [
    ...(none ? [required(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used')] : []),
    ...oneOf(`${at}.restartPolicy`, restartPolicy, restartPolicies),
    ...(rules.length > maxRestartRules ? [tooMany(field, rules.length, maxRestartRules)] : []),
    ...rules.flatMap(({ action = '', exitCodes }, i) => {
      const { operator = '', values = [] } = exitCodes ?? {};
      const codes = `${field}[${i}].exitCodes`;
      return [
        ...oneOf(`${field}[${i}].action`, action, restartActions),
        ...(exitCodes ? oneOf(`${codes}.operator`, operator, ['In', 'NotIn']) : [required(codes, 'must be specified')]),
        ...(values.length > maxExitCodes ? [tooMany(`${codes}.values`, values.length, maxExitCodes)] : []),
      ];
    }),
  ];
}

const onlySidecars = 'may not be set for init containers without restartPolicy=Always';

function validateInits(containers: readonly Container[], around: Surroundings, field: string): FieldCause[] {
  const names = new Set((around.spec.containers ?? []).map(({ name }) => name));
  return containers.flatMap((container, i) => {
    const at = `${field}.initContainers[${i}]`;
    const sidecar = isSidecar(container);
    const own = sidecar
      ? [...validateLifecycle(container.lifecycle, `${at}.lifecycle`, around.spec), ...validateProbes(container, at)]
      : (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
          .filter((key) => container[key])
          .map((key) => forbidden(`${at}.${key}`, onlySidecars));
    return [
      ...validateCommon(container, at, around),
      ...validateRestartPolicy(container, at),
      ...uniqueName(container, names, at),
      // Init containers run one after another, so several may use the same host port.
      ...validateHostPorts([container], `${field}.initContainers`),
      ...own,
      ...(sidecar ? [] : validateRestarts(container.resizePolicy ?? [], `${at}.resizePolicy`)),
    ];
  });
}

/** An init container that is no sidecar ends by itself, so a resize cannot restart it. */
const validateRestarts = (policies: NonNullable<Container['resizePolicy']>, field: string): FieldCause[] =>
  policies.flatMap(({ restartPolicy }, i) =>
    restartPolicy === 'RestartContainer'
      ? [
          invalid(
            `${field}[${i}].restartPolicy`,
            restartPolicy,
            "must not be set to 'RestartContainer' for non-sidecar initContainers",
          ),
        ]
      : [],
  );

/** The fields that an ephemeral container may have. */
const ephemeralFields = new Set<string>([
  ...['name', 'image', 'command', 'args', 'workingDir', 'env', 'envFrom', 'volumeMounts', 'volumeDevices'],
  ...['terminationMessagePath', 'terminationMessagePolicy', 'imagePullPolicy', 'securityContext'],
  ...['stdin', 'stdinOnce', 'tty', 'targetContainerName'],
]);
const notEphemeral = 'cannot be set for an Ephemeral Container';

function validateEphemerals(spec: PodSpec, around: Surroundings, field: string): FieldCause[] {
  const others = initAndAppContainers(spec).map(({ name }) => name);
  const names = new Set(others);
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = `${field}.ephemeralContainers[${i}]`;
    const { targetContainerName = '', volumeMounts = [] } = container;
    return [
      ...validateCommon(container as Container, at, { ...around, isPod: true }),
      ...uniqueName(container as Container, names, at),
      ...(targetContainerName !== '' && !others.includes(targetContainerName)
        ? [notFound(`${at}.targetContainerName`, targetContainerName)]
        : []),
      ...Object.entries(container)
        .filter(([key, value]) => !ephemeralFields.has(key) && !isUnset(value))
        .map(([key]) => forbidden(`${at}.${key}`, notEphemeral)),
      ...volumeMounts.flatMap((mount, j) =>
        (['subPath', 'subPathExpr'] as const)
          .filter((key) => mount[key])
          .map((key) => forbidden(`${at}.volumeMounts[${j}].${key}`, notEphemeral)),
      ),
    ];
  });
}

/** Defaults give every container an empty `resources`. */
const isUnset = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

function uniqueName({ name = '' }: Container, names: Set<string>, field: string): FieldCause[] {
  if (name === '') return [];
  if (names.has(name)) return [duplicate(`${field}.name`, name)];
  names.add(name);
  return [];
}

function validateCommon(container: Container, field: string, { spec, claims, isPod }: Surroundings): FieldCause[] {
  const { name = '', image = '' } = container;
  return [
    ...(name === '' ? [required(`${field}.name`)] : invalidEach(`${field}.name`, name, dns1123Label(name))),
    ...validateImage(image, `${field}.image`, isPod),
    ...oneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies),
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...validateEnvironment(container, field),
    ...validateMounts(container, spec, `${field}.volumeMounts`),
    ...validateDevices(container, spec, `${field}.volumeDevices`),
    ...oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, pullPolicies),
    ...validateResources(container.resources, `${field}.resources`, claims),
    ...validateResizePolicy(container.resizePolicy ?? [], `${field}.resizePolicy`, spec.restartPolicy),
    ...validateContainerSecurity(container.securityContext, `${field}.securityContext`, spec.hostUsers ?? true),
  ];
}

/** Templates may have blanks around an image: their controllers replace them in the pods. */
export function validateImage(image: string, field: string, isPod: boolean): FieldCause[] {
  if (image === '') return [required(field)];
  if (!isPod || image.trim() === image) return [];
  return [invalid(field, image, 'must not have leading or trailing whitespace')];
}

const resizableResources = ['cpu', 'memory'];
const resizePolicies = ['NotRequired', 'RestartContainer'];

function validateResizePolicy(
  policies: NonNullable<Container['resizePolicy']>,
  field: string,
  podPolicy: string | undefined,
): FieldCause[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName = '', restartPolicy = '' }, i) => {
    const causes = seen.has(resourceName) ? [duplicate(`${field}[${i}]`, resourceName)] : [];
    seen.add(resourceName);
    if (resourceName === '') causes.push(required(field));
    else causes.push(...oneOf(field, resourceName, resizableResources));
    if (restartPolicy === '') causes.push(required(field));
    else causes.push(...oneOf(field, restartPolicy, resizePolicies));
    if (podPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      causes.push(invalid(field, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
    }
    return causes;
  });
}

function validatePorts(ports: NonNullable<Container['ports']>, field: string): FieldCause[] {
  const names = new Set<string>();
  return ports.flatMap(({ name = '', containerPort, hostPort, protocol }, i) => {
    const at = `${field}[${i}]`;
    const causes = name === '' ? [] : invalidEach(`${at}.name`, name, portName(name));
    if (name !== '' && names.has(name)) causes.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (!containerPort) causes.push(required(`${at}.containerPort`));
    else causes.push(...invalidEach(`${at}.containerPort`, containerPort, portNumber(containerPort)));
    if (hostPort) causes.push(...invalidEach(`${at}.hostPort`, hostPort, portNumber(hostPort)));
    if (!protocol) causes.push(required(`${at}.protocol`));
    else if (!protocols.includes(protocol)) causes.push(notSupported(`${at}.protocol`, protocol, protocols));
    return causes;
  });
}

/** Two containers that run at the same time cannot have the same host port. */
function validateHostPorts(containers: readonly Container[], field: string): FieldCause[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, protocol, hostIP = '' }, j) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) return [duplicate(`${field}[${i}].ports[${j}].hostPort`, key)];
      taken.add(key);
      return [];
    }),
  );
}

/** With hostNetwork a container port is a host port. In a template hostPort may be absent. */
function matchHostPorts({ hostNetwork, containers = [] }: PodSpec, field: string, isPod: boolean): FieldCause[] {
  if (!hostNetwork) return [];
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort = 0, containerPort }, j) => {
      if (hostPort === containerPort || (hostPort === 0 && !isPod)) return [];
      const at = `${field}[${i}].ports[${j}].hostPort`;
      return [invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true')];
    }),
  );
}
