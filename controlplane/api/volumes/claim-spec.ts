// The spec of a claim: of PersistentVolumeClaims, and of the templates of claims in pods.
import type { V1PersistentVolumeClaimSpec } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import { canonicalize, formatQuantity, parseQuantity } from '../quantity';
import type { Wire } from '../types';
import { invalid, invalidEach, required } from '../validation/causes';
import { dns1123Label, dns1123Subdomain } from '../validation/names';
import { oneOf, validateLabelSelector } from '../validation/selectors';
import { validateAccessModes } from './access-modes';
import { positive } from './amounts';
import { validateClassName } from './class-name';

export type ClaimSpec = Wire<V1PersistentVolumeClaimSpec>;

export const volumeModes = ['Block', 'Filesystem'];

export function defaultClaimSpec(spec: ClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  canonicalize(spec.resources?.limits ?? {});
  canonicalize(spec.resources?.requests ?? {});
}

/** `old` has a data source: its group may stay as it is. */
export function validateClaimSpec(spec: ClaimSpec, field: string, old?: ClaimSpec): FieldCause[] {
  const { accessModes = [], selector, resources, storageClassName, volumeMode, dataSource, dataSourceRef } = spec;
  const storage = resources?.requests?.['storage'];
  const at = `${field}.resources[storage]`;
  return [
    ...(accessModes.length === 0 ? [required(`${field}.accessModes`, 'at least 1 access mode is required')] : []),
    ...validateLabelSelector(selector, `${field}.selector`),
    ...validateAccessModes(accessModes, `${field}.accessModes`),
    ...(storage === undefined ? [required(at)] : positive(storage, at)),
    ...validateClassName(storageClassName, `${field}.storageClassName`),
    ...oneOf(`${field}.volumeMode`, volumeMode, volumeModes),
    ...(dataSource ? validateSource(dataSource, `${field}.dataSource`, old) : []),
    ...(dataSourceRef ? validateSource(dataSourceRef, `${field}.dataSourceRef`, old) : []),
    ...compareSources(spec, field),
    ...validateClassName(spec.volumeAttributesClassName, `${field}.volumeAttributesClassName`),
  ];
}

interface Source {
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

function validateSource(source: Source, field: string, old: ClaimSpec | undefined): FieldCause[] {
  const { apiGroup = '', kind = '', name = '', namespace = '' } = source;
  const foreign = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
  // Groups were not checked in earlier releases: a claim that has one may keep any.
  const kept = old?.dataSource?.apiGroup !== undefined || old?.dataSourceRef?.apiGroup !== undefined;
  return [
    ...(name === '' ? [required(`${field}.name`)] : []),
    ...(kind === '' ? [required(`${field}.kind`)] : []),
    ...(apiGroup === '' && kind !== 'PersistentVolumeClaim' ? [invalid(field, kind, foreign)] : []),
    ...(apiGroup === '' || kept ? [] : invalidEach(`${field}.apiGroup`, apiGroup, dns1123Subdomain(apiGroup))),
    ...(namespace === '' ? [] : invalidEach(`${field}.namespace`, namespace, dns1123Label(namespace))),
  ];
}

/** Upstream shows an empty object: the path of the field, which has no fields in JSON. */
function compareSources({ dataSource, dataSourceRef }: ClaimSpec, field: string): FieldCause[] {
  if (!dataSource || !dataSourceRef) return [];
  const shown = {};
  if (dataSourceRef.namespace) {
    return [invalid(field, shown, 'may not be specified when dataSourceRef.namespace is specified')];
  }
  const same = (['apiGroup', 'kind', 'name'] as const).every((key) => dataSource[key] === dataSourceRef[key]);
  return same ? [] : [invalid(field, shown, 'must match dataSourceRef')];
}

const nanoPerUnit = 1_000_000_000n;

export function warnOfFractions({ resources }: ClaimSpec, field: string): string[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const amount = resources?.[list]?.['storage'];
    if (amount === undefined) return [];
    const quantity = parseQuantity(amount);
    if (quantity.nano % nanoPerUnit === 0n) return [];
    const shown = JSON.stringify(formatQuantity(quantity));
    return [`${field}.resources.${list}[storage]: fractional byte value ${shown} is invalid, must be an integer`];
  });
}
