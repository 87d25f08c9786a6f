// Field rules of paths inside pods and volumes, and of the modes of files at them.
import type { FieldCause } from '../../base/errors';
import { invalid } from '../validation/causes';
import { inRange } from '../validation/names';

/** Paths must not leave their mount with `..`. */
export function noBacksteps(path: string, field: string): FieldCause[] {
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

/** A path below some folder: relative and without `..`. */
export function localPath(path: string, field: string): FieldCause[] {
  const absolute = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : [];
  return [...absolute, ...noBacksteps(path, field)];
}

/** A file in a volume that the kubelet writes: names that begin with two dots are reserved for the kubelet. */
export function localNonReservedPath(path: string, field: string): FieldCause[] {
  const reserved = path.startsWith('..') && !path.startsWith('../') && path !== '..';
  return [...localPath(path, field), ...(reserved ? [invalid(field, path, "must not start with '..'")] : [])];
}

const maxFileMode = 0o777;
const modeRange = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateMode(mode: number | undefined, field: string): FieldCause[] {
  return mode === undefined || inRange(mode, 0, maxFileMode).length === 0 ? [] : [invalid(field, mode, modeRange)];
}
