// Field rules of references to a pod's own fields and to the resources of its containers: the downward API.
import type { FieldCause } from '../../base/errors';
import { canonicalResource, parseQuantity } from '../quantity';
import { invalid, invalidEach, notSupported, required } from '../validation/causes';
import { qualifiedName } from '../validation/names';
import type { Container, Volume } from './types';
import { localNonReservedPath, validateMode } from './validate-path';

type Source = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;
type FieldRef = NonNullable<Source['fieldRef']>;
type ResourceRef = NonNullable<Source['resourceFieldRef']>;
type DownwardFile = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

/** Sorted, as messages list them. */
const environmentPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const volumePaths = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
/** Fields with a label upstream, of which not all may be referred to. */
const fieldLabels = new Set([
  ...environmentPaths,
  ...volumePaths,
  'spec.host',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

export const validateEnvironmentRef = (ref: FieldRef, field: string): FieldCause[] =>
  validateFieldRef(ref, field, environmentPaths);

function validateFieldRef(
  { apiVersion = '', fieldPath = '' }: FieldRef,
  field: string,
  paths: readonly string[],
): FieldCause[] {
  if (apiVersion === '') return [required(`${field}.apiVersion`)];
  if (fieldPath === '') return [required(`${field}.fieldPath`)];
  const at = `${field}.fieldPath`;
  if (apiVersion !== 'v1') {
    return [invalid(at, fieldPath, `error converting fieldPath: unsupported pod version: ${apiVersion}`)];
  }
  const { path, key } = splitSubscript(fieldPath);
  if (path !== undefined && key !== undefined) {
    if (path === 'metadata.annotations') return invalidEach(field, key.toLowerCase(), qualifiedName(key.toLowerCase()));
    if (path === 'metadata.labels') return invalidEach(field, key, qualifiedName(key));
    return [invalid(at, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`)];
  }
  if (!fieldLabels.has(fieldPath)) {
    return [invalid(at, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  }
  // spec.host was the name of spec.nodeName in the first versions of the API.
  const known = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  return paths.includes(known) ? [] : [notSupported(at, known, paths)];
}

/** Splits metadata.labels['key']. No regular expression: it would search for the end once per bracket. */
function splitSubscript(fieldPath: string): { path?: string; key?: string } {
  const open = fieldPath.indexOf("['");
  if (open <= 0 || !fieldPath.endsWith("']")) return {};
  return { path: fieldPath.slice(0, open), key: fieldPath.slice(open + 2, -2) };
}

const resourcePaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const isHugePages = (resource: string): boolean => /^(limits|requests)\.hugepages-/.test(resource);

export function validateResourceRef(ref: ResourceRef, field: string, ofVolume: boolean): FieldCause[] {
  const { containerName, resource = '', divisor } = ref;
  const causes: FieldCause[] = [];
  if (ofVolume && !containerName) causes.push(required(`${field}.containerName`));
  else if (resource === '') causes.push(required(`${field}.resource`));
  else if (!resourcePaths.includes(resource) && !isHugePages(resource)) {
    causes.push(notSupported(`${field}.resource`, resource, resourcePaths));
  }
  return [...causes, ...validateDivisor(resource, String(divisor ?? '0'), `${field}.divisor`)];
}

const decimal = ['1', '1k', '1M', '1G', '1T', '1P', '1E'];
const byteDivisors = [...decimal, '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

function validateDivisor(resource: string, divisor: string, field: string): FieldCause[] {
  if (parseQuantity(divisor).nano === 0n) return [];
  const canonical = canonicalResource(divisor);
  if (resource.endsWith('.cpu')) {
    if (canonical === '1m' || canonical === '1') return [];
    return [invalid(field, resource, "only divisor's values 1m and 1 are supported with the cpu resource")];
  }
  const noun = resource.endsWith('.memory')
    ? 'memory'
    : resource.endsWith('.ephemeral-storage')
      ? 'local ephemeral storage'
      : isHugePages(resource)
        ? 'hugepages'
        : undefined;
  if (noun === undefined || byteDivisors.includes(canonical)) return [];
  const values = byteDivisors.join(', ');
  return [invalid(field, resource, `only divisor's values ${values} are supported with the ${noun} resource`)];
}

/** One file of a downward API volume; `field` is the path of the volume, since messages do not name the item. */
export function validateDownwardFile(
  { path, fieldRef, resourceFieldRef, mode }: DownwardFile,
  field: string,
): FieldCause[] {
  const causes = path ? localNonReservedPath(path, `${field}.path`) : [required(`${field}.path`)];
  if (fieldRef) {
    causes.push(...validateFieldRef(fieldRef, `${field}.fieldRef`, volumePaths));
    if (resourceFieldRef) {
      causes.push(invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (resourceFieldRef) {
    causes.push(...validateResourceRef(resourceFieldRef, `${field}.resourceFieldRef`, true));
  } else causes.push(required(field, 'one of fieldRef and resourceFieldRef is required'));
  return [...causes, ...validateMode(mode, `${field}.mode`)];
}
