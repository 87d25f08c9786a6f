// The metadata rules of every kind: fields the server sets, fields a writer may not change, owners. Pure except for the
// random parts of names and uids.
import { randomInt, randomUUID } from 'node:crypto';
import { type GenerationRule, type Kind, subresourceOf } from '../../api/kind';
import type { KubeObject, ObjectMeta, OwnerReference } from '../../api/types';
import { formatTime } from '../../base/clock';
import { BadRequest } from '../../base/errors';
import { StatusError } from '../status';
import { equalJson } from './equal';

/** No vowels, so that a suffix is never a word; no digits or letters that look alike. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
/** A generated name with its suffix must fit into a label value. */
const maxGeneratedBase = 63 - suffixLength;

export function randomSuffix(length = suffixLength): string {
  let text = '';
  for (let i = 0; i < length; i++) text += suffixAlphabet[randomInt(suffixAlphabet.length)];
  return text;
}

/** A name from metadata.generateName. */
export const generateName = (base: string): string => base.slice(0, maxGeneratedBase) + randomSuffix();

/** Sets namespace, uid, times and generation of a new object. @throws BadRequest */
export function prepareNewMetadata(kind: Kind, object: KubeObject, namespace: string, now: number): void {
  const metadata = object.metadata ?? {};
  object.metadata = metadata;
  setNamespace(kind, metadata, namespace);
  if (!metadata.resourceVersion) delete metadata.resourceVersion;
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  if (!['absent', 'spec-changes'].includes(generationRule(kind))) metadata.generation = 1;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = formatTime(now);
}

const largestRevision = 2n ** 64n - 1n;

/**
 * For a new object that will be stored. As upstream: admission and validation come first, a dry run does not check, and a text that is no
 * revision counts as absent. @throws StatusError for a resourceVersion
 */
export function checkNoRevision({ metadata }: KubeObject): void {
  const text = metadata?.resourceVersion ?? '';
  if (!/^0*[1-9]\d{0,19}$/.test(text) || BigInt(text) > largestRevision) return;
  // Upstream's answer has no reason.
  const message = 'resourceVersion should not be set on objects to be created';
  throw new StatusError(500, '', message, {}, { verbatim: true });
}

/** @throws BadRequest when the body names another namespace than the path */
export function setNamespace(kind: Kind, metadata: ObjectMeta, namespace: string): void {
  if (!kind.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw new BadRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  metadata.namespace = namespace;
}

const generationRule = ({ options }: Kind): GenerationRule =>
  options.generation ?? (options.hasStatus ? 'spec' : 'absent');

/** True when an update through `subresource` raises metadata.generation. */
export function raisesGeneration(kind: Kind, object: KubeObject, old: KubeObject, subresource: string): boolean {
  const rule = generationRule(kind);
  if (rule === 'absent' || rule === 'constant') return false;
  const through = subresource === '' ? undefined : subresourceOf(kind, subresource);
  if (through?.keepsGeneration || through?.writes === 'status') return false;
  if (!specEquals(object, old)) return true;
  const part = rule === 'spec+labels' ? 'labels' : rule === 'spec+annotations' ? 'annotations' : undefined;
  return part !== undefined && !equalJson(object.metadata?.[part] ?? {}, old.metadata?.[part] ?? {});
}

/** Keeps the stored values of fields that an update may not change. */
export function carryMetadata(object: KubeObject, old: KubeObject): void {
  const metadata = object.metadata ?? {};
  const before = old.metadata ?? {};
  object.metadata = metadata;
  // Another uid is an error of its own.
  if (!metadata.uid) carry(metadata, before, 'uid');
  carry(metadata, before, 'creationTimestamp');
  // As upstream: an object that is being deleted keeps its time, but no update begins a deletion or changes its grace period.
  if (before.deletionTimestamp !== undefined) metadata.deletionTimestamp = before.deletionTimestamp;
  if (metadata.deletionGracePeriodSeconds === undefined) carry(metadata, before, 'deletionGracePeriodSeconds');
  carry(metadata, before, 'generation');
  delete metadata.selfLink;
  // The store replaces it by the revision of this write.
  carry(metadata, before, 'resourceVersion');
}

function carry<K extends keyof ObjectMeta>(metadata: ObjectMeta, before: ObjectMeta, key: K): void {
  if (before[key] === undefined) delete metadata[key];
  else metadata[key] = before[key];
}

/** Compares everything but metadata and status. */
function specEquals(a: KubeObject, b: KubeObject): boolean {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!outsideSpec(key) && !equalJson(left[key], right[key])) return false;
  for (const key in right) if (!outsideSpec(key) && right[key] !== undefined && left[key] === undefined) return false;
  return true;
}

const outsideSpec = (key: string): boolean =>
  key === 'metadata' || key === 'status' || key === 'kind' || key === 'apiVersion';

/**
 * Owner references are a set: of entries that are equal in all fields one stays, and the writer gets a warning, as in upstream.
 * Upstream keeps repeated finalizers, and so does this server.
 */
export function mergeOwnerReferences(object: KubeObject, warnings: string[]): void {
  const { metadata } = object;
  const references = metadata?.ownerReferences;
  if (!metadata || !references || references.length < 2) return;
  const kept = new Map<string, OwnerReference>();
  const repeated = new Set<string>();
  for (const reference of references) {
    const { apiVersion, kind, name, uid, controller, blockOwnerDeletion } = reference;
    const id = JSON.stringify([apiVersion, kind, name, uid, controller, blockOwnerDeletion]);
    if (kept.has(id)) repeated.add(uid);
    else kept.set(id, reference);
  }
  if (repeated.size === 0) return;
  metadata.ownerReferences = [...kept.values()];
  const warning =
    '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such ' +
    `requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...repeated].join(', ')}`;
  if (!warnings.includes(warning)) warnings.push(warning);
}

/** True when no grace period, finalizer or rule of the kind keeps a deleted object. */
export function isFinished({ options }: Kind, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata ?? {};
  if (!deletionTimestamp || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return !options.deletion?.isHeld?.(object);
}

/** `namespace/name`, or `name` for cluster-scoped kinds. A path segment has no slash, so the key is unambiguous. */
export const keyOf = (kind: Kind, namespace: string, name: string): string =>
  kind.namespaced ? `${namespace}/${name}` : name;
