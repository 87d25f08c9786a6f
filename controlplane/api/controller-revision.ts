// apps/v1 ControllerRevision: an earlier state of a DaemonSet or StatefulSet, to which `kubectl rollout undo` can return.
import { isDeepStrictEqual } from 'node:util';
import type { V1ControllerRevision } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { immutable, invalid } from './validation/causes';

export type ControllerRevision = Wire<V1ControllerRevision>;

function controllerName({ metadata }: ControllerRevision): string {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return none;
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const controllerRevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
  schema: { model: 'V1ControllerRevision' },
  validate: (revision, { old }) =>
    old && !isDeepStrictEqual(revision.data, old.data) ? [invalid('data', revision.data, immutable)] : [],
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
