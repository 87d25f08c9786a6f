// Field rules of volumes.
import type { FieldCause } from '../../base/errors';
import { parseQuantity } from '../quantity';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Label } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { Volume } from './types';
import { validateDownwardFile } from './validate-field-ref';
import { localNonReservedPath, noBacksteps, validateMode } from './validate-path';
import { validateRemoteVolume } from './validate-remote-volume';

export const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const hugePages = 'HugePages';
const mediums = ['', hugePages, 'Memory'];

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
  // Of several sources only the first is checked further.
  const source: Volume = { name: volume.name, [sources[0]!]: volume[sources[0] as keyof Volume] };
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected } = source;
  return [
    ...extra,
    ...validateRemoteVolume(source, field),
    ...(emptyDir ? validateEmptyDir(emptyDir, `${field}.emptyDir`) : []),
    ...(hostPath ? validateHostPath(hostPath, `${field}.hostPath`) : []),
    ...(secret
      ? [...named(secret.secretName, `${field}.secret.secretName`), ...validateFiles(secret, `${field}.secret`)]
      : []),
    ...(configMap
      ? [...named(configMap.name, `${field}.configMap.name`), ...validateFiles(configMap, `${field}.configMap`)]
      : []),
    ...(downwardAPI
      ? [
          ...validateMode(downwardAPI.defaultMode, `${field}.downwardAPI.defaultMode`),
          ...(downwardAPI.items ?? []).flatMap((file) => validateDownwardFile(file, `${field}.downwardAPI`)),
        ]
      : []),
    ...(projected ? validateProjected(projected, `${field}.projected`) : []),
  ];
}

const named = (name: string | undefined, field: string): FieldCause[] => (name ? [] : [required(field)]);

/** Refuses an unknown medium. Upstream accepts it, and the kubelet then fails forever. */
function validateEmptyDir({ sizeLimit, medium = '' }: NonNullable<Volume['emptyDir']>, field: string): FieldCause[] {
  const negative = sizeLimit !== undefined && parseQuantity(sizeLimit).nano < 0n;
  const known = mediums.includes(medium) || medium.startsWith(`${hugePages}-`);
  return [
    ...(negative ? [forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')] : []),
    ...(known ? [] : [notSupported(`${field}.medium`, medium, mediums)]),
  ];
}

function validateHostPath({ path, type }: NonNullable<Volume['hostPath']>, field: string): FieldCause[] {
  if (!path) return [required(`${field}.path`)];
  return [...noBacksteps(path, `${field}.path`), ...oneOf(`${field}.type`, type, hostPathTypes)];
}

interface KeyFile {
  readonly key?: string;
  readonly path?: string;
  readonly mode?: number;
}
interface Files {
  readonly defaultMode?: number;
  readonly items?: readonly KeyFile[];
}

function validateFiles({ defaultMode, items = [] }: Files, field: string): FieldCause[] {
  return [
    ...validateMode(defaultMode, `${field}.defaultMode`),
    ...items.flatMap(({ key, path = '', mode }, i) => {
      const at = `${field}.items[${i}]`;
      return [
        ...(key ? [] : [required(`${at}.key`)]),
        ...(path === '' ? [required(`${at}.path`)] : localNonReservedPath(path, `${at}.path`)),
        ...validateMode(mode, `${at}.mode`),
      ];
    }),
  ];
}

type Projected = NonNullable<Volume['projected']>;
type Source = NonNullable<Projected['sources']>[number];

function validateProjected({ defaultMode, sources = [] }: Projected, field: string): FieldCause[] {
  const taken = new Set<string>();
  return [
    ...validateMode(defaultMode, `${field}.defaultMode`),
    ...sources.flatMap((source, i) => {
      const at = `${field}.sources[${i}]`;
      const several = Object.keys(source).length > 1;
      return [
        ...validateProjection(source, field, at),
        ...conflicts(source, taken, field),
        ...(several ? [forbidden(at, 'may not specify more than 1 volume type per source')] : []),
      ];
    }),
  ];
}

function validateProjection(source: Source, field: string, at: string): FieldCause[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle } = source;
  return [
    ...(secret ? [...named(secret.name, `${at}.secret.name`), ...validateFiles(secret, `${at}.secret`)] : []),
    ...(configMap
      ? [...named(configMap.name, `${at}.configMap.name`), ...validateFiles(configMap, `${at}.configMap`)]
      : []),
    ...(downwardAPI?.items ?? []).flatMap((file) => validateDownwardFile(file, `${at}.downwardAPI`)),
    // The path of a token is one level too high, as in kube-apiserver's messages.
    ...(serviceAccountToken ? validateToken(serviceAccountToken, `${at}.serviceAccountToken`, `${field}.path`) : []),
    ...(clusterTrustBundle
      ? clusterTrustBundle.path
        ? localNonReservedPath(clusterTrustBundle.path, `${at}.clusterTrustBundle.path`)
        : [required(`${at}.clusterTrustBundle.path`)]
      : []),
  ];
}

/** Two sources cannot write the same file. */
function conflicts(source: Source, taken: Set<string>, field: string): FieldCause[] {
  const { secret, configMap, downwardAPI, clusterTrustBundle } = source;
  const files = [
    ...(secret?.items ?? []).map(({ path }) => ({ path, shown: secret?.name ?? '' })),
    ...(configMap?.items ?? []).map(({ path }) => ({ path, shown: configMap?.name ?? '' })),
    ...(downwardAPI?.items ?? []).map(({ path }) => ({ path, shown: path })),
    ...(clusterTrustBundle ? [{ path: clusterTrustBundle.path, shown: clusterTrustBundle.path }] : []),
  ];
  return files.flatMap(({ path, shown }) => {
    if (!path) return [];
    if (taken.has(path)) return [invalid(field, shown, 'conflicting duplicate paths')];
    taken.add(path);
    return [];
  });
}

const minTokenSeconds = 10 * 60;
const maxTokenSeconds = 2 ** 32;

function validateToken(
  { path, expirationSeconds = minTokenSeconds }: { path?: string; expirationSeconds?: number },
  field: string,
  pathField: string,
): FieldCause[] {
  const at = `${field}.expirationSeconds`;
  return [
    ...(expirationSeconds < minTokenSeconds
      ? [invalid(at, expirationSeconds, 'may not specify a duration less than 10 minutes')]
      : []),
    ...(expirationSeconds > maxTokenSeconds
      ? [invalid(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')]
      : []),
    ...(path ? localNonReservedPath(path, pathField) : [required(pathField)]),
  ];
}
