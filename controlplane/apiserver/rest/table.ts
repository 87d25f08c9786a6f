// Answers in the forms of meta.k8s.io: Table rows as `kubectl get` prints them, and objects with only their metadata.
import type { Column, Kind } from '../../api/kind';
import type { KubeObject, ListMeta } from '../../api/types';
import { BadRequest } from '../../base/errors';
import { formatAge } from './age';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** @throws BadRequest */
export function parseIncludeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw new BadRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: "${value}": must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export interface TableOptions {
  readonly version: 'v1' | 'v1beta1';
  readonly include: IncludeObject;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
  /** False for later events of a watch, which omit the column definitions. */
  readonly headers?: boolean;
}

const nameDescription = 'Name must be unique within a namespace.';
const ageDescription = 'CreationTimestamp is a timestamp representing the server time when this object was created.';

/** The columns of kinds that declare none. */
const plainColumns: readonly Column<KubeObject>[] = [
  { name: 'Name', type: 'string', format: 'name', description: nameDescription, cell: (o) => o.metadata?.name ?? '' },
  {
    name: 'Age',
    type: 'string',
    description: ageDescription,
    cell: (o, now) => formatAge(o.metadata?.creationTimestamp, now),
  },
];

export function renderTable(
  kind: Kind,
  objects: readonly KubeObject[],
  metadata: ListMeta,
  { version, include, now, headers = true }: TableOptions,
): unknown {
  const columns = kind.options.columns ?? plainColumns;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: headers
      ? columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({
          name,
          type,
          format,
          description,
          priority,
        }))
      : null,
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now)),
      object: include === 'None' ? null : include === 'Object' ? object : partial(object, version),
    })),
  };
}

export function partial(object: KubeObject, version: 'v1' | 'v1beta1'): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata ?? {} };
}

export function partialList(objects: readonly KubeObject[], metadata: ListMeta, version: 'v1' | 'v1beta1'): unknown {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    items: objects.map((object) => partial(object, version)),
  };
}
