// apps/v1 ControllerRevision: an earlier state of a DaemonSet or StatefulSet, to which `kubectl rollout undo` can return.
import { isDeepStrictEqual } from 'node:util';
import type { V1ControllerRevision } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { immutable, invalid, invalidEach, required } from './validation/causes';
import { nonNegative } from './validation/names';

export type ControllerRevision = Wire<V1ControllerRevision>;

function controllerName({ metadata }: ControllerRevision): string {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return none;
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

function validateData({ data }: ControllerRevision): FieldCause[] {
  if (data === undefined || data === null) return [required('data', 'data is mandatory')];
  const isObject = typeof data === 'object' && !Array.isArray(data);
  return isObject ? [] : [required('data', 'data must be a valid JSON object')];
}

const validateUnchanged = ({ data }: ControllerRevision, old: ControllerRevision): FieldCause[] =>
  isDeepStrictEqual(data, old.data) ? [] : [invalid('data', data, immutable)];

export const controllerRevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
  schema: { model: 'V1ControllerRevision' },
  validate: (revision, { old }) => [
    ...invalidEach('revision', revision.revision ?? 0, nonNegative(revision.revision ?? 0)),
    ...(old ? validateUnchanged(revision, old) : validateData(revision)),
  ],
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', description: 'Controller of the object.', cell: controllerName },
    {
      name: 'Revision',
      type: 'string',
      description: 'Revision indicates the revision of the state represented by Data.',
      cell: ({ revision }) => revision ?? 0,
    },
    ageColumn,
  ],
});
