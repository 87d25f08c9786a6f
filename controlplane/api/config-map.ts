// v1 ConfigMap.
import { isDeepStrictEqual } from 'node:util';
import type { V1ConfigMap } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid, invalidEach, tooLong } from './validation/causes';
import { configMapKey } from './validation/names';

export type ConfigMap = Wire<V1ConfigMap>;

/** The largest data of one ConfigMap or Secret, in bytes. */
export const maxConfigBytes = 1024 * 1024;

function validate(object: ConfigMap, { old }: WriteContext<ConfigMap>): FieldCause[] {
  const { data = {}, binaryData = {} } = object;
  const causes: FieldCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    causes.push(...invalidEach(`data[${key}]`, key, configMapKey(key)));
    if (Object.hasOwn(binaryData, key))
      causes.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    causes.push(...invalidEach(`binaryData[${key}]`, key, configMapKey(key)));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > maxConfigBytes) causes.push(tooLong('[]', maxConfigBytes));
  if (old?.immutable) {
    if (!object.immutable) causes.push(forbidden('immutable', 'field is immutable when `immutable` is set'));
    for (const key of ['data', 'binaryData'] as const) {
      if (!isDeepStrictEqual(object[key], old[key])) {
        causes.push(forbidden(key, `${immutable} when \`immutable\` is set`));
      }
    }
  }
  return causes;
}

export const configMaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  schema: { model: 'V1ConfigMap' },
  validate,
  columns: [
    nameColumn,
    {
      name: 'Data',
      type: 'string',
      description: 'The number of keys.',
      cell: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    },
    ageColumn,
  ],
});
