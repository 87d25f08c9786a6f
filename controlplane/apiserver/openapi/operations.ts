// Every operation of the API as a neutral record, from the registry; v2.ts and v3.ts write them in their own form.
import type { Kind } from '../../api/kind';
import { schemaOfModel } from '../../api/schema/load';
import { virtualKinds } from '../../api/virtual';
import { describeSubresources, type GroupVersionKind, type SubresourceInfo } from '../discovery/resources';
import { patchTypes } from '../patch/patch';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}
export interface Operation {
  readonly path: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** x-kubernetes-action */
  readonly action: string;
  readonly gvk: GroupVersionKind;
  readonly id: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** Definition of the request body; a patch has none. */
  readonly body?: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Definition of the answer; absent for streams and plain text. */
  readonly response?: string;
  /** 201 where something is made. */
  readonly status: 200 | 201;
}

const objectTypes = ['application/json', 'application/yaml'];
const listTypes = [...objectTypes, 'application/json;stream=watch'];

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  type,
  description,
});
const pathParameter = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  type: 'string',
  description,
});

const pretty = query('pretty', 'string', "If 'true', then the output is pretty printed.");
const dryRun = query('dryRun', 'string', "'All' processes the request completely but keeps nothing.");
const fieldManager = query('fieldManager', 'string', 'The name of the actor that makes this change.');
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What to do about unknown or duplicate fields: Ignore drops them, Warn drops them with a warning, Strict refuses the request.',
);
const force = query('force', 'boolean', 'Takes over fields that other appliers own; for apply patches only.');
const listParameters = [
  query('allowWatchBookmarks', 'boolean', 'Asks for BOOKMARK events.'),
  query('continue', 'string', 'The token of the page before.'),
  query('fieldSelector', 'string', 'Restricts the list by fields.'),
  query('labelSelector', 'string', 'Restricts the list by labels.'),
  query('limit', 'integer', 'The largest number of items in one answer.'),
  query('resourceVersion', 'string', 'How new the answer must be at least.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'A watch begins with events that make up the present state.'),
  query('timeoutSeconds', 'integer', 'The longest time a list or watch may take.'),
  query('watch', 'boolean', 'Asks for a stream of changes instead of a list.'),
];
const deleteParameters = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'The time before the object is deleted; 0 deletes at once.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'Whether and when dependents are deleted: Orphan, Background or Foreground.'),
];
const writeParameters = [dryRun, fieldManager, fieldValidation];

const definitionOf = (model: string): string => schemaOfModel(model).name;
const statusDefinition = (): string => definitionOf('V1Status');
const deleteOptions = (): string => definitionOf('V1DeleteOptions');

/** Operations of all resources of `kinds`, in path order. */
export function describeOperations(kinds: readonly Kind[]): Operation[] {
  return kinds.flatMap((kind) => (kind.verbs.includes('get') ? storedOperations(kind) : [createOperation(kind)]));
}

const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** CoreV1, AppsV1, RbacAuthorizationV1: the part of an operation's id that names group and version. */
function versionId({ group, version }: Kind): string {
  const name = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '');
  return name.split('.').map(title).join('') + title(version);
}

export const rootOf = ({ group, version }: { group: string; version: string }): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

interface Place {
  readonly kind: Kind;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** What follows the verb in an operation's id: CoreV1NamespacedPod. */
  readonly id: string;
}

function placeOf(kind: Kind): Place {
  const root = rootOf(kind);
  const scope = kind.namespaced ? 'Namespaced' : '';
  const id = `${versionId(kind)}${scope}${kind.kind}`;
  if (!kind.namespaced) return { kind, path: `${root}/${kind.plural}`, parameters: [pretty], id };
  const namespace = pathParameter('namespace', 'object name and auth scope, such as for teams and projects');
  return { kind, path: `${root}/namespaces/{namespace}/${kind.plural}`, parameters: [namespace, pretty], id };
}

function createOperation(kind: Kind): Operation {
  const place = placeOf(kind);
  const definition = definitionOf(kind.options.model);
  return {
    ...common(place, 'post', 'post', `create${place.id}`, `create ${article(kind.kind)}`),
    parameters: [...place.parameters, ...writeParameters],
    body: definition,
    response: definition,
    status: 201,
  };
}

const article = (kind: string): string => (/^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`);

function common(
  { kind, path, parameters }: Place,
  method: Operation['method'],
  action: string,
  id: string,
  description: string,
) {
  return {
    path,
    method,
    action,
    gvk: { group: kind.group, version: kind.version, kind: kind.kind },
    id,
    description,
    parameters,
    consumes: ['*/*'],
    produces: objectTypes,
    status: 200 as const,
  };
}

function storedOperations(kind: Kind): Operation[] {
  const place = placeOf(kind);
  const list = definitionOf(`${kind.options.model}List`);
  const everywhere: Operation[] = kind.namespaced
    ? [
        {
          ...common(
            place,
            'get',
            'list',
            `list${versionId(kind)}${kind.kind}ForAllNamespaces`,
            `list or watch objects of kind ${kind.kind}`,
          ),
          path: `${rootOf(kind)}/${kind.plural}`,
          parameters: [pretty, ...listParameters],
          produces: listTypes,
          response: list,
        },
      ]
    : [];
  return [
    ...everywhere,
    {
      ...common(place, 'get', 'list', `list${place.id}`, `list or watch objects of kind ${kind.kind}`),
      parameters: [...place.parameters, ...listParameters],
      produces: listTypes,
      response: list,
    },
    createOperation(kind),
    ...(kind.verbs.includes('deletecollection') ? [deleteCollectionOperation(place)] : []),
    ...itemOperations(itemPlace(place)),
    ...describeSubresources(kind).flatMap((subresource) => subresourceOperations(itemPlace(place), subresource)),
  ];
}

function deleteCollectionOperation(place: Place): Operation {
  const { kind, parameters } = place;
  const id = `delete${collectionId(kind)}`;
  return {
    ...common(place, 'delete', 'deletecollection', id, `delete collection of ${kind.kind}`),
    parameters: [...parameters, ...deleteParameters, ...listParameters.filter(({ name }) => name !== 'watch')],
    body: deleteOptions(),
    response: statusDefinition(),
  };
}

const collectionId = (kind: Kind): string =>
  `${versionId(kind)}Collection${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`;

function itemPlace(place: Place): Place {
  const name = pathParameter('name', `name of the ${place.kind.kind}`);
  return { ...place, path: `${place.path}/{name}`, parameters: [name, ...place.parameters] };
}

function itemOperations(place: Place): Operation[] {
  const { kind, id, parameters } = place;
  const definition = definitionOf(kind.options.model);
  return [
    { ...common(place, 'get', 'get', `read${id}`, `read the specified ${kind.kind}`), response: definition },
    ...writeOperations(place, id, definition, ''),
    {
      ...common(place, 'delete', 'delete', `delete${id}`, `delete ${article(kind.kind)}`),
      parameters: [...parameters, ...deleteParameters],
      body: deleteOptions(),
      response: statusDefinition(),
    },
  ];
}

function writeOperations(place: Place, id: string, definition: string, of: string): Operation[] {
  const { kind, parameters } = place;
  return [
    {
      ...common(place, 'put', 'put', `replace${id}`, `replace ${of}the specified ${kind.kind}`),
      parameters: [...parameters, ...writeParameters],
      body: definition,
      response: definition,
    },
    {
      ...common(place, 'patch', 'patch', `patch${id}`, `partially update ${of}the specified ${kind.kind}`),
      parameters: [...parameters, ...writeParameters, force],
      consumes: Object.values(patchTypes),
      response: definition,
    },
  ];
}

/** Answered with a stream of bytes, whatever the method. */
const connects: Readonly<Record<string, boolean>> = { attach: true, exec: true, portforward: true, proxy: true };
const connectMethods = { get: 'get', create: 'post' } as const;

function subresourceOperations(parent: Place, { name, verbs, responseKind }: SubresourceInfo): Operation[] {
  const place = { ...parent, path: `${parent.path}/${name}` };
  const id = `${parent.id}${title(name)}`;
  const of = `${name} of `;
  const gvk = responseKind;
  if (connects[name]) {
    const methods = (['get', 'create'] as const).filter((verb) => verbs.includes(verb));
    return methods
      .map((verb) => connectMethods[verb])
      .map((method) => ({
        ...common(
          place,
          method,
          'connect',
          `connect${title(method)}${id}`,
          `connect ${method.toUpperCase()} requests to ${of}${parent.kind.kind}`,
        ),
        gvk,
        produces: ['*/*'],
      }));
  }
  const definition = bodyOf(parent.kind, responseKind);
  const operations: Operation[] = [];
  if (verbs.includes('get')) {
    const read = common(place, 'get', 'get', `read${id}`, `read ${of}the specified ${parent.kind.kind}`);
    operations.push(name === 'log' ? { ...read, produces: ['text/plain'] } : { ...read, response: definition });
  }
  if (verbs.includes('create')) {
    operations.push({
      ...common(place, 'post', 'post', `create${id}`, `create ${of}${article(parent.kind.kind)}`),
      parameters: [...place.parameters, ...writeParameters],
      body: definition,
      response: definition,
      status: 201,
    });
  }
  const writes = writeOperations(place, id, definition, of);
  if (verbs.includes('update')) operations.push(writes[0]!);
  if (verbs.includes('patch')) operations.push(writes[1]!);
  return operations.map((operation) => ({ ...operation, gvk }));
}

function bodyOf(parent: Kind, { group, version, kind }: GroupVersionKind): string {
  const virtual = virtualKinds.find((one) => one.group === group && one.version === version && one.kind === kind);
  return definitionOf((virtual ?? parent).options.model);
}
