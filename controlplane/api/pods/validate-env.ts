// Field rules of a container's environment.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, notFound, required } from '../validation/causes';
import { configMapKey, dns1123Label, dns1123Subdomain, envVarName } from '../validation/names';
import type { Container, PodSpec } from './types';
import { validateEnvironmentRef, validateResourceRef } from './validate-field-ref';
import { noBacksteps } from './validate-path';
import { placedContainers } from './visit';

type Variable = NonNullable<Container['env']>[number];
type Source = NonNullable<Variable['valueFrom']>;
type FileRef = NonNullable<Source['fileKeyRef']>;

export function validateEnvironment({ env = [], envFrom = [] }: Container, field: string): FieldCause[] {
  return [
    ...env.flatMap((variable, i) => validateVariable(variable, `${field}.env[${i}]`)),
    ...validateEnvFrom(envFrom, `${field}.envFrom`),
  ];
}

function validateVariable({ name = '', value = '', valueFrom }: Variable, field: string): FieldCause[] {
  const causes = name === '' ? [required(`${field}.name`)] : invalidEach(`${field}.name`, name, envVarName(name));
  return valueFrom ? [...causes, ...validateSource(valueFrom, value, `${field}.valueFrom`)] : causes;
}

function validateSource(source: Source, value: string, field: string): FieldCause[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const causes = [
    ...(fieldRef ? validateEnvironmentRef(fieldRef, `${field}.fieldRef`) : []),
    ...(resourceFieldRef ? validateResourceRef(resourceFieldRef, `${field}.resourceFieldRef`, false) : []),
    ...(configMapKeyRef ? validateKeyRef(configMapKeyRef, `${field}.configMapKeyRef`) : []),
    ...(secretKeyRef ? validateKeyRef(secretKeyRef, `${field}.secretKeyRef`) : []),
    ...(fileKeyRef ? validateFileRef(fileKeyRef, `${field}.fileKeyRef`) : []),
  ];
  const count = Object.keys(source).length;
  if (count === 0) {
    const known = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    causes.push(invalid(field, '', `must specify one of: ${known}`));
  } else if (value !== '') causes.push(invalid(field, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) causes.push(invalid(field, '', 'may not have more than one field specified at a time'));
  return causes;
}

function validateFileRef({ key = '', path = '', volumeName = '' }: Partial<FileRef>, field: string): FieldCause[] {
  return [
    ...(key === '' ? [required(`${field}.key`)] : invalidEach(`${field}.key`, key, envVarName(key))),
    ...(volumeName === ''
      ? [required(`${field}.volumeName`)]
      : invalidEach(`${field}.volumeName`, volumeName, dns1123Label(volumeName))),
    ...(path === '' ? [required(`${field}.path`)] : noBacksteps(path, `${field}.path`)),
  ];
}

/** Variables come from files of emptyDirs only. `field` is the path of the spec. */
export function validateFileVolumes(spec: PodSpec, field: string): FieldCause[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume] as const));
  return placedContainers(spec, field).flatMap(({ container, field: at }) =>
    (container.env ?? []).flatMap(({ valueFrom }, i) => {
      if (!valueFrom?.fileKeyRef) return [];
      const { volumeName = '' } = valueFrom.fileKeyRef as Partial<FileRef>;
      const path = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = volumes.get(volumeName);
      if (!volume) return [notFound(path, volumeName)];
      return volume.emptyDir ? [] : [invalid(path, volumeName, 'referenced volume must be of type emptyDir')];
    }),
  );
}

function validateKeyRef({ name = '', key = '' }: { name?: string; key?: string }, field: string): FieldCause[] {
  return [
    ...invalidEach(`${field}.name`, name, dns1123Subdomain(name)),
    ...(key === '' ? [required(`${field}.key`)] : invalidEach(`${field}.key`, key, configMapKey(key))),
  ];
}

/** The messages do not name the index of the wrong source, as in kube-apiserver. */
function validateEnvFrom(sources: NonNullable<Container['envFrom']>, field: string): FieldCause[] {
  return sources.flatMap(({ configMapRef, secretRef, prefix }, i) => {
    const at = `${field}[${i}]`;
    const causes = prefix ? invalidEach(`${at}.prefix`, prefix, envVarName(prefix)) : [];
    for (const [key, ref] of Object.entries({ configMapRef, secretRef })) {
      if (!ref) continue;
      const name = ref.name ?? '';
      causes.push(
        ...(name === ''
          ? [required(`${at}.${key}.name`)]
          : invalidEach(`${at}.${key}.name`, name, dns1123Subdomain(name))),
      );
    }
    if (!configMapRef && !secretRef)
      causes.push(invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'));
    if (configMapRef && secretRef) {
      causes.push(invalid(field, '', 'may not have more than one field specified at a time'));
    }
    return causes;
  });
}
