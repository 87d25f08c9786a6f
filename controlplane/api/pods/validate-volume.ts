// Field rules of volumes.
import type { FieldCause } from '../../base/errors';
import { parseQuantity } from '../quantity';
import { duplicate, forbidden, invalid, invalidEach, required } from '../validation/causes';
import { dns1123Label } from '../validation/names';
import { oneOf } from '../validation/selectors';
import { furtherPaths, hostPath, missingFields, sourcePaths } from '../volumes/source-checks';
import type { Volume } from './types';
import { validateDownwardFile } from './validate-field-ref';
import { localNonReservedPath, validateMode } from './validate-path';
import { remoteChecks, type VolumeCheck, type VolumePlace } from './validate-remote-volume';

export interface VolumeOwner {
  /** Absent for a template. */
  readonly podName?: string | undefined;
  readonly isPod: boolean;
}

/** Only a volume without errors takes its name: a second one with the same name is then a duplicate. */
export function validateVolumes(volumes: readonly Volume[], field: string, owner: VolumeOwner): FieldCause[] {
  const seen = new Set<string>();
  const { podName } = owner;
  const created = new Set(
    volumes.flatMap(({ ephemeral, name }) => (ephemeral && podName ? [`${podName}-${name}`] : [])),
  );
  return volumes.flatMap((volume, i) => {
    const at = `${field}[${i}]`;
    const name = volume.name ?? '';
    const causes = validateSource(volume, { field: at, volumeName: name, podName, isPod: owner.isPod });
    if (name === '') causes.push(required(`${at}.name`));
    else causes.push(...invalidEach(`${at}.name`, name, dns1123Label(name)));
    if (seen.has(name)) causes.push(duplicate(`${at}.name`, name));
    if (causes.length === 0) seen.add(name);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && created.has(claim)) {
      const detail = 'must not reference a PVC that gets created for an ephemeral volume';
      causes.push(invalid(`${at}.persistentVolumeClaim.claimName`, claim, detail));
    }
    return causes;
  });
}

/** In the order in which upstream looks at them. */
const checks: { readonly [K in keyof Volume]?: VolumeCheck<K> | undefined } = {
  emptyDir: ({ sizeLimit }, at) =>
    sizeLimit !== undefined && parseQuantity(sizeLimit).nano < 0n
      ? [forbidden(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
      : [],
  hostPath,
  gitRepo: remoteChecks.gitRepo,
  gcePersistentDisk: remoteChecks.gcePersistentDisk,
  awsElasticBlockStore: remoteChecks.awsElasticBlockStore,
  secret: (secret, at) => [...named(secret.secretName, `${at}.secretName`), ...validateFiles(secret, at)],
  nfs: remoteChecks.nfs,
  iscsi: remoteChecks.iscsi,
  glusterfs: undefined,
  flocker: remoteChecks.flocker,
  persistentVolumeClaim: undefined,
  rbd: undefined,
  cinder: remoteChecks.cinder,
  cephfs: undefined,
  quobyte: remoteChecks.quobyte,
  downwardAPI: ({ defaultMode, items = [] }, at) => [
    ...validateMode(defaultMode, `${at}.defaultMode`),
    ...items.flatMap((file) => validateDownwardFile(file, at)),
  ],
  fc: remoteChecks.fc,
  flexVolume: remoteChecks.flexVolume,
  configMap: (configMap, at) => [...named(configMap.name, `${at}.name`), ...validateFiles(configMap, at)],
  azureFile: undefined,
  vsphereVolume: undefined,
  photonPersistentDisk: undefined,
  portworxVolume: undefined,
  azureDisk: remoteChecks.azureDisk,
  storageos: remoteChecks.storageos,
  projected: validateProjected,
  scaleIO: undefined,
  csi: remoteChecks.csi,
  ephemeral: remoteChecks.ephemeral,
  image: ({ reference, pullPolicy }, at, { isPod }) => [
    ...(isPod && !reference ? [required(`${at}.reference`)] : []),
    ...oneOf(`${at}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never']),
  ],
};
const types = Object.keys(checks) as (keyof typeof checks)[];

/** A volume has one source; of several only the first is checked further. */
function validateSource(volume: Volume, place: VolumePlace): FieldCause[] {
  const { field } = place;
  const [first, ...further] = types.filter((type) => volume[type] !== undefined);
  if (first === undefined) return [required(field, 'must specify a volume type')];
  return [
    ...checkSource(first, volume, place),
    ...further.map((type) =>
      forbidden(`${field}.${furtherPaths[type] ?? type}`, 'may not specify more than 1 volume type'),
    ),
  ];
}

function checkSource<K extends keyof typeof checks>(type: K, volume: Volume, place: VolumePlace): FieldCause[] {
  const at = `${place.field}.${sourcePaths[type] ?? type}`;
  const source = volume[type] as NonNullable<Volume[K]>;
  const check = checks[type] as VolumeCheck<K> | undefined;
  return [...missingFields(type, source as object, at), ...(check?.(source, at, place) ?? [])];
}

const named = (name: string | undefined, field: string): FieldCause[] => (name ? [] : [required(field)]);

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
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  return [
    ...(secret ? [...named(secret.name, `${at}.secret.name`), ...validateFiles(secret, `${at}.secret`)] : []),
    ...(configMap
      ? [...named(configMap.name, `${at}.configMap.name`), ...validateFiles(configMap, `${at}.configMap`)]
      : []),
    ...(downwardAPI?.items ?? []).flatMap((file) => validateDownwardFile(file, `${at}.downwardAPI`)),
    // The path of a token is one level too high, as in kube-apiserver's messages.
    ...(serviceAccountToken ? validateToken(serviceAccountToken, `${at}.serviceAccountToken`, `${field}.path`) : []),
  ];
}

/** Two sources cannot write the same file. */
function conflicts(source: Source, taken: Set<string>, field: string): FieldCause[] {
  const { secret, configMap, downwardAPI } = source;
  const files = [
    ...(secret?.items ?? []).map(({ path }) => ({ path, shown: secret?.name ?? '' })),
    ...(configMap?.items ?? []).map(({ path }) => ({ path, shown: configMap?.name ?? '' })),
    ...(downwardAPI?.items ?? []).map(({ path }) => ({ path, shown: path })),
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
