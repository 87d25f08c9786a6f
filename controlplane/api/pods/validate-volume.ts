// Field rules of volumes.
import type { FieldCause } from '../../base/errors';
import { parseQuantity } from '../quantity';
import { duplicate, forbidden, invalid, invalidEach, required } from '../validation/causes';
import { dns1123Label, inRange } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { Volume } from './types';

const hostPathTypes = [
  '',
  'DirectoryOrCreate',
  'Directory',
  'FileOrCreate',
  'File',
  'Socket',
  'CharDevice',
  'BlockDevice',
];
const maxFileMode = 0o777;
const modeRange = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateVolumes(volumes: readonly Volume[], field: string): FieldCause[] {
  const seen = new Set<string>();
  return volumes.flatMap((volume, i) => {
    const at = `${field}[${i}]`;
    const name = volume.name ?? '';
    const causes = validateSource(volume, at);
    if (name === '') causes.push(required(`${at}.name`));
    else causes.push(...invalidEach(`${at}.name`, name, dns1123Label(name)));
    if (seen.has(name)) causes.push(duplicate(`${at}.name`, name));
    seen.add(name);
    return causes;
  });
}

function validateSource(volume: Volume, field: string): FieldCause[] {
  const sources = Object.keys(volume).filter((key) => key !== 'name');
  if (sources.length === 0) return [required(field, 'must specify a volume type')];
  const extra = sources.slice(1).map((key) => forbidden(`${field}.${key}`, 'may not specify more than 1 volume type'));
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected } = volume;
  return [
    ...extra,
    ...(emptyDir ? validateEmptyDir(emptyDir, `${field}.emptyDir`) : []),
    ...(hostPath ? validateHostPath(hostPath, `${field}.hostPath`) : []),
    ...(secret
      ? [...named(secret.secretName, `${field}.secret.secretName`), ...validateFiles(secret, `${field}.secret`)]
      : []),
    ...(configMap
      ? [...named(configMap.name, `${field}.configMap.name`), ...validateFiles(configMap, `${field}.configMap`)]
      : []),
    ...(downwardAPI ? validateFiles(downwardAPI, `${field}.downwardAPI`) : []),
    ...(projected ? validateProjected(projected, `${field}.projected`) : []),
  ];
}

const named = (name: string | undefined, field: string): FieldCause[] => (name ? [] : [required(field)]);

function validateEmptyDir({ sizeLimit }: NonNullable<Volume['emptyDir']>, field: string): FieldCause[] {
  const negative = sizeLimit !== undefined && parseQuantity(sizeLimit).nano < 0n;
  return negative ? [forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')] : [];
}

function validateHostPath({ path, type }: NonNullable<Volume['hostPath']>, field: string): FieldCause[] {
  if (!path) return [required(`${field}.path`)];
  return [...noBacksteps(path, `${field}.path`), ...oneOf(`${field}.type`, type, hostPathTypes)];
}

/** Paths must not climb out of where they are mounted. */
export function noBacksteps(path: string, field: string): FieldCause[] {
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

/** A path below the mount point: relative and without `..`. */
export function localPath(path: string, field: string): FieldCause[] {
  const absolute = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : [];
  return [...absolute, ...noBacksteps(path, field)];
}

interface Files {
  readonly defaultMode?: number;
  readonly items?: readonly { readonly key?: string; readonly path?: string; readonly mode?: number }[];
}

function validateFiles({ defaultMode, items = [] }: Files, field: string): FieldCause[] {
  const mode = (value: number | undefined, at: string) =>
    value === undefined
      ? []
      : invalidEach(
          at,
          value,
          inRange(value, 0, maxFileMode).map(() => modeRange),
        );
  return [
    ...mode(defaultMode, `${field}.defaultMode`),
    ...items.flatMap((item, i) => [
      ...('key' in item && item.key === '' ? [required(`${field}.items[${i}].key`)] : []),
      ...(item.path ? localPath(item.path, `${field}.items[${i}].path`) : [required(`${field}.items[${i}].path`)]),
      ...mode(item.mode, `${field}.items[${i}].mode`),
    ]),
  ];
}

function validateProjected(projected: NonNullable<Volume['projected']>, field: string): FieldCause[] {
  return [
    ...validateFiles({ defaultMode: projected.defaultMode }, field),
    ...(projected.sources ?? []).flatMap((source, i) => {
      const at = `${field}.sources[${i}]`;
      const [, ...extra] = Object.keys(source);
      const { secret, configMap, serviceAccountToken } = source;
      return [
        ...extra.map((key) => forbidden(`${at}.${key}`, 'may not specify more than 1 volume type per source')),
        ...(secret ? [...named(secret.name, `${at}.secret.name`), ...validateFiles(secret, `${at}.secret`)] : []),
        ...(configMap
          ? [...named(configMap.name, `${at}.configMap.name`), ...validateFiles(configMap, `${at}.configMap`)]
          : []),
        ...(serviceAccountToken ? validateToken(serviceAccountToken, `${at}.serviceAccountToken`) : []),
      ];
    }),
  ];
}

const minTokenSeconds = 10 * 60;
const maxTokenSeconds = 2 ** 32;

function validateToken(
  { path, expirationSeconds }: { path?: string; expirationSeconds?: number },
  field: string,
): FieldCause[] {
  const causes = path ? localPath(path, `${field}.path`) : [required(`${field}.path`)];
  if (expirationSeconds !== undefined && expirationSeconds < minTokenSeconds) {
    causes.push(
      invalid(`${field}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'),
    );
  }
  if (expirationSeconds !== undefined && expirationSeconds > maxTokenSeconds) {
    causes.push(
      invalid(`${field}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'),
    );
  }
  return causes;
}
