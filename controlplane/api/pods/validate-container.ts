// Field rules of containers: names, images, ports, environment, mounts, resources.
import type { FieldCause } from '../../base/errors';
import { duplicate, forbidden, invalid, invalidEach, notFound, notSupported, required } from '../validation/causes';
import { dns1123Label, envVarName, portName, portNumber } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { Container, PodSpec } from './types';
import { validateLifecycle, validateProbes } from './validate-probe';
import { validateResources } from './validate-resources';
import { noBacksteps } from './validate-volume';

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const messagePolicies = ['File', 'FallbackToLogsOnError'];
const protocols = ['TCP', 'UDP', 'SCTP'];

/** All containers of a pod; their names are unique over init and app containers together. */
export function validateContainers(spec: PodSpec, field: string): FieldCause[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const names = new Set<string>();
  const causes: FieldCause[] = [];
  if (!spec.containers?.length) causes.push(required(`${field}.containers`));
  const lists = [
    ['containers', spec.containers ?? []],
    ['initContainers', spec.initContainers ?? []],
  ] as const;
  for (const [list, containers] of lists) {
    containers.forEach((container, i) => {
      const at = `${field}.${list}[${i}]`;
      causes.push(...validateContainer(container, at, volumes, list === 'initContainers'));
      if (container.name && names.has(container.name)) causes.push(duplicate(`${at}.name`, container.name));
      names.add(container.name);
    });
  }
  return [...causes, ...validateHostPorts(spec, `${field}.containers`)];
}

function validateContainer(
  container: Container,
  field: string,
  volumes: ReadonlySet<string>,
  init: boolean,
): FieldCause[] {
  const { name = '', image = '', restartPolicy } = container;
  const sidecar = init && restartPolicy === 'Always';
  return [
    ...(name === '' ? [required(`${field}.name`)] : invalidEach(`${field}.name`, name, dns1123Label(name))),
    ...validateImage(image, `${field}.image`),
    ...oneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies),
    ...oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, pullPolicies),
    ...(init ? oneOf(`${field}.restartPolicy`, restartPolicy, ['Always']) : noRestartPolicy(container, field)),
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...validateEnv(container.env ?? [], `${field}.env`),
    ...validateEnvFrom(container.envFrom ?? [], `${field}.envFrom`),
    ...validateMounts(container.volumeMounts ?? [], volumes, `${field}.volumeMounts`),
    ...validateResources(container.resources, `${field}.resources`),
    ...(init && !sidecar ? noProbes(container, field) : validateProbes(container, field)),
    ...(init && !sidecar && container.lifecycle
      ? [forbidden(`${field}.lifecycle`, 'may not be set for init containers without restartPolicy=Always')]
      : validateLifecycle(container.lifecycle, `${field}.lifecycle`)),
  ];
}

function validateImage(image: string, field: string): FieldCause[] {
  if (image === '') return [required(field)];
  return image.trim() === image ? [] : [invalid(field, image, 'must not have leading or trailing whitespace')];
}

function noRestartPolicy({ restartPolicy }: Container, field: string): FieldCause[] {
  return restartPolicy ? [forbidden(`${field}.restartPolicy`, 'may not be set for non-init containers')] : [];
}

const noProbes = (container: Container, field: string): FieldCause[] =>
  (['livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    .filter((key) => container[key])
    .map((key) => forbidden(`${field}.${key}`, 'may not be set for init containers without restartPolicy=Always'));

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

/** Two containers of one pod cannot take the same port of the host, and with hostNetwork the ports are the host's. */
function validateHostPorts(spec: PodSpec, field: string): FieldCause[] {
  const taken = new Set<string>();
  return (spec.containers ?? []).flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, containerPort, protocol, hostIP = '' }, j) => {
      if (!hostPort) return [];
      const at = `${field}[${i}].ports[${j}]`;
      const causes: FieldCause[] = [];
      if (spec.hostNetwork && hostPort !== containerPort) {
        causes.push(invalid(`${at}.containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true'));
      }
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) causes.push(duplicate(`${at}.hostPort`, key));
      taken.add(key);
      return causes;
    }),
  );
}

const fieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.host',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

function validateEnv(env: NonNullable<Container['env']>, field: string): FieldCause[] {
  return env.flatMap(({ name = '', value = '', valueFrom }, i) => {
    const at = `${field}[${i}]`;
    const causes = name === '' ? [required(`${at}.name`)] : invalidEach(`${at}.name`, name, envVarName(name));
    if (!valueFrom) return causes;
    const sources = Object.keys(valueFrom);
    if (sources.length !== 1) {
      const detail =
        sources.length === 0
          ? 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'
          : 'may not have more than one field specified at a time';
      causes.push(invalid(`${at}.valueFrom`, valueFrom, detail));
    }
    if (value !== '' && sources.length > 0) {
      causes.push(invalid(`${at}.valueFrom`, valueFrom, 'may not be specified when `value` is not empty'));
    }
    const path = valueFrom.fieldRef?.fieldPath;
    if (valueFrom.fieldRef) causes.push(...validateFieldPath(path ?? '', `${at}.valueFrom.fieldRef.fieldPath`));
    for (const key of ['configMapKeyRef', 'secretKeyRef'] as const) {
      if (valueFrom[key] && !valueFrom[key].name) causes.push(required(`${at}.valueFrom.${key}.name`));
      if (valueFrom[key] && !valueFrom[key].key) causes.push(required(`${at}.valueFrom.${key}.key`));
    }
    return causes;
  });
}

function validateFieldPath(path: string, field: string): FieldCause[] {
  if (path === '') return [required(field)];
  if (fieldPaths.includes(path) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(path)) return [];
  return [
    notSupported(
      field,
      path,
      fieldPaths.filter((known) => known !== 'spec.host'),
    ),
  ];
}

function validateEnvFrom(sources: NonNullable<Container['envFrom']>, field: string): FieldCause[] {
  return sources.flatMap(({ configMapRef, secretRef, prefix }, i) => {
    const at = `${field}[${i}]`;
    const causes = prefix ? invalidEach(`${at}.prefix`, prefix, envVarName(prefix)) : [];
    if (!configMapRef && !secretRef) {
      causes.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    }
    if (configMapRef && secretRef) causes.push(invalid(at, '', 'may not have more than one field specified at a time'));
    if (configMapRef && !configMapRef.name) causes.push(required(`${at}.configMapRef.name`));
    if (secretRef && !secretRef.name) causes.push(required(`${at}.secretRef.name`));
    return causes;
  });
}

function validateMounts(
  mounts: NonNullable<Container['volumeMounts']>,
  volumes: ReadonlySet<string>,
  field: string,
): FieldCause[] {
  const paths = new Set<string>();
  return mounts.flatMap(({ name = '', mountPath = '', subPath, subPathExpr }, i) => {
    const at = `${field}[${i}]`;
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    else if (!volumes.has(name)) causes.push(notFound(`${at}.name`, name));
    if (mountPath === '') causes.push(required(`${at}.mountPath`));
    else if (paths.has(mountPath)) causes.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    for (const [key, path] of Object.entries({ subPath, subPathExpr })) {
      if (!path) continue;
      if (path.startsWith('/')) causes.push(invalid(`${at}.${key}`, path, 'must be a relative path'));
      causes.push(...noBacksteps(path, `${at}.${key}`));
    }
    if (subPath && subPathExpr)
      causes.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    return causes;
  });
}
