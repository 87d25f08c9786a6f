// Every operation of the API as a neutral record, from the registry; v2.ts and v3.ts render them in their own form.
import { isCustom, isReadable, type Kind } from '../../api/kind';
import type { NamedSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { virtualKinds } from '../../api/virtual';
import { describeSubresources, type GroupVersionKind, type SubresourceInfo } from '../discovery/resources';
import { patchTypes } from '../patch/patch';
import { protobufType } from '../protobuf/envelope';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}
export interface Operation {
  readonly path: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head' | 'options';
  /** coreV1 as core_v1: what generators of clients group operations by. */
  readonly tag: string;
  /** x-kubernetes-action; absent for paths that are no resources, as `gvk`. */
  readonly action?: string;
  readonly gvk?: GroupVersionKind;
  readonly id: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** The request body. */
  readonly body?: NamedSchema;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** The answer; absent for streams and plain text. */
  readonly response?: NamedSchema;
  /** The codes of a success. */
  readonly statuses: readonly (200 | 201 | 202)[];
}

export const statusTexts: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

/** The body of a patch has a form of its own, by its media type. */
const patchBody: NamedSchema = {
  name: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch',
  fields: {},
  texts: { '': 'The body of a patch.' },
};

const customTypes = ['application/json', 'application/yaml'];
/** Of built-in kinds and of documents about them. */
export const objectTypes = [...customTypes, protobufType];
const streamTypes = ['application/json', protobufType].map((type) => `${type};stream=watch`);

const typesOf = (kind: Kind): readonly string[] => (isCustom(kind) ? customTypes : objectTypes);
const listTypesOf = (kind: Kind): readonly string[] =>
  isCustom(kind) ? customTypes : [...objectTypes, ...streamTypes];

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

/** Operations of all resources of `kinds`, in path order. */
export function describeOperations(kinds: readonly Kind[], schemas: SchemaSet): Operation[] {
  return kinds.flatMap((kind) => {
    const place = placeOf(kind, schemas);
    return isReadable(kind) ? objectOperations(place) : [createOperation(place)];
  });
}

const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Core, Apps, RbacAuthorization: the part of an operation's id that names the group. */
export function groupId(group: string): string {
  const name = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '');
  return name.split('.').map(title).join('');
}

/** core, apps, rbacAuthorization */
export function groupTag(group: string): string {
  const id = groupId(group);
  return id.charAt(0).toLowerCase() + id.slice(1);
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}
/** CoreV1, AppsV1, RbacAuthorizationV1: the part of an operation's id that names group and version. */
export const versionId = ({ group, version }: GroupVersion): string => groupId(group) + title(version);
export const tagOf = ({ group, version }: GroupVersion): string => `${groupTag(group)}_${version}`;

export const rootOf = ({ group, version }: { group: string; version: string }): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

interface Place {
  readonly kind: Kind;
  readonly schemas: SchemaSet;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The part after the verb in an operation's id: CoreV1NamespacedPod. */
  readonly id: string;
}

function placeOf(kind: Kind, schemas: SchemaSet): Place {
  const root = rootOf(kind);
  const scope = kind.namespaced ? 'Namespaced' : '';
  const id = `${versionId(kind)}${scope}${kind.kind}`;
  if (!kind.namespaced) return { kind, schemas, path: `${root}/${kind.plural}`, parameters: [pretty], id };
  const namespace = pathParameter('namespace', 'object name and auth scope, such as for teams and projects');
  const path = `${root}/namespaces/{namespace}/${kind.plural}`;
  return { kind, schemas, path, parameters: [namespace, pretty], id };
}

function createOperation(place: Place): Operation {
  const { kind, schemas } = place;
  const definition = schemas.of(kind);
  return {
    ...common(place, 'post', 'post', `create${place.id}`, `create ${article(kind.kind)}`),
    parameters: [...place.parameters, ...writeParameters],
    body: definition,
    response: definition,
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
  const custom = isCustom(kind);
  return {
    path,
    method,
    tag: tagOf(kind),
    action,
    gvk: { group: kind.group, version: kind.version, kind: kind.kind },
    id,
    description,
    parameters,
    consumes: custom ? customTypes : ['*/*'],
    produces: typesOf(kind),
    statuses: statusesOf(action, custom),
  };
}

/** A deletion may go on after its answer, and a write may create. Patches of custom kinds name no creation, though an apply can create. */
function statusesOf(action: string, custom: boolean): Operation['statuses'] {
  switch (action) {
    case 'post':
      return [200, 201, 202];
    case 'put':
      return [200, 201];
    case 'patch':
      return custom ? [200] : [200, 201];
    case 'delete':
      return [200, 202];
    default:
      return [200];
  }
}

/** Those of the verbs that the kind has. */
function objectOperations(place: Place): Operation[] {
  const { kind, schemas } = place;
  const list = schemas.ofList(kind);
  const watched = !isCustom(kind) && kind.verbs.includes('watch');
  const text = `list ${watched ? 'or watch ' : ''}objects of kind ${kind.kind}`;
  const produces = listTypesOf(kind);
  const everywhere: Operation[] = kind.namespaced
    ? [
        {
          ...common(place, 'get', 'list', `list${versionId(kind)}${kind.kind}ForAllNamespaces`, text),
          path: `${rootOf(kind)}/${kind.plural}`,
          parameters: [pretty, ...listParameters],
          produces,
          response: list,
        },
      ]
    : [];
  return [
    ...everywhere,
    {
      ...common(place, 'get', 'list', `list${place.id}`, text),
      parameters: [...place.parameters, ...listParameters],
      produces,
      response: list,
    },
    ...(kind.verbs.includes('create') ? [createOperation(place)] : []),
    ...(kind.verbs.includes('deletecollection') ? [deleteCollectionOperation(place)] : []),
    ...itemOperations(itemPlace(place)),
    ...describeSubresources(kind).flatMap((subresource) => subresourceOperations(itemPlace(place), subresource)),
  ];
}

function deleteCollectionOperation(place: Place): Operation {
  const { kind, schemas, parameters } = place;
  const id = `delete${collectionId(kind)}`;
  return {
    ...common(place, 'delete', 'deletecollection', id, `delete collection of ${kind.kind}`),
    parameters: [...parameters, ...deleteParameters, ...listParameters.filter(({ name }) => name !== 'watch')],
    body: schemas.ofModel('V1DeleteOptions'),
    response: schemas.ofModel('V1Status'),
  };
}

const collectionId = (kind: Kind): string =>
  `${versionId(kind)}Collection${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`;

function itemPlace(place: Place): Place {
  const name = pathParameter('name', `name of the ${place.kind.kind}`);
  return { ...place, path: `${place.path}/{name}`, parameters: [name, ...place.parameters] };
}

function itemOperations(place: Place): Operation[] {
  const { kind, schemas, id } = place;
  const definition = schemas.of(kind);
  return [
    { ...common(place, 'get', 'get', `read${id}`, `read the specified ${kind.kind}`), response: definition },
    ...(kind.verbs.includes('update') ? writeOperations(place, id, definition, '') : []),
    ...(kind.verbs.includes('delete') ? [deleteOperation(place)] : []),
  ];
}

function deleteOperation(place: Place): Operation {
  const { kind, schemas, id, parameters } = place;
  return {
    ...common(place, 'delete', 'delete', `delete${id}`, `delete ${article(kind.kind)}`),
    parameters: [...parameters, ...deleteParameters],
    body: schemas.ofModel('V1DeleteOptions'),
    response: kind.options.deletion?.answersWithObject ? schemas.of(kind) : schemas.ofModel('V1Status'),
  };
}

function writeOperations(place: Place, id: string, definition: NamedSchema, of: string): Operation[] {
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
      body: patchBody,
      consumes: Object.values(patchTypes).filter((type) => !isCustom(kind) || type !== patchTypes.strategic),
      response: definition,
    },
  ];
}

/** Subresources whose answer is a stream of bytes, for each method. */
const connects: Readonly<Record<string, boolean>> = { attach: true, exec: true, portforward: true, proxy: true };
const connectMethods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' } as const;
type ConnectVerb = keyof typeof connectMethods;
/** A proxy passes these on, too, and any path below its own. */
const proxyMethods = ['head', 'options'] as const;

function subresourceOperations(parent: Place, { name, verbs, responseKind }: SubresourceInfo): Operation[] {
  const place = { ...parent, path: `${parent.path}/${name}` };
  const id = `${parent.id}${title(name)}`;
  const of = `${name} of `;
  // As upstream: the scale of a custom kind has the name of the kind.
  const { group, version, kind } = parent.kind;
  const gvk = isCustom(parent.kind) ? { group, version, kind } : responseKind;
  if (connects[name]) {
    const known = Object.keys(connectMethods) as ConnectVerb[];
    const methods = known.filter((verb) => verbs.includes(verb)).map((verb) => connectMethods[verb]);
    if (name !== 'proxy') return connectOperations(place, name, methods, gvk);
    const all = [...methods, ...proxyMethods];
    const inside = pathParameter('path', 'path to the resource');
    const below = { ...place, path: `${place.path}/{path}`, parameters: [...place.parameters, inside] };
    return [...connectOperations(place, name, all, gvk), ...connectOperations(below, name, all, gvk, 'WithPath')];
  }
  const definition = bodyOf(parent, responseKind);
  const operations: Operation[] = [];
  if (verbs.includes('get')) {
    const read = common(place, 'get', 'get', `read${id}`, `read ${of}the specified ${parent.kind.kind}`);
    operations.push(
      name === 'log' ? { ...read, produces: ['text/plain', ...objectTypes] } : { ...read, response: definition },
    );
  }
  if (verbs.includes('create')) {
    operations.push({
      ...common(place, 'post', 'post', `create${id}`, `create ${of}${article(parent.kind.kind)}`),
      parameters: [...place.parameters, ...writeParameters],
      body: definition,
      response: definition,
    });
  }
  const writes = writeOperations(place, id, definition, of);
  if (verbs.includes('update')) operations.push(writes[0]!);
  if (verbs.includes('patch')) operations.push(writes[1]!);
  return operations.map((operation) => ({ ...operation, gvk }));
}

function connectOperations(
  place: Place,
  name: string,
  methods: readonly Operation['method'][],
  gvk: GroupVersionKind,
  suffix = '',
): Operation[] {
  const { kind } = place;
  const scope = kind.namespaced ? 'Namespaced' : '';
  return methods.map((method) => {
    const id = `connect${versionId(kind)}${title(method)}${scope}${kind.kind}${title(name)}${suffix}`;
    const text = `connect ${method.toUpperCase()} requests to ${name} of ${kind.kind}`;
    return { ...common(place, method, 'connect', id, text), gvk, produces: ['*/*'] };
  });
}

function bodyOf({ kind: parent, schemas }: Place, { group, version, kind }: GroupVersionKind): NamedSchema {
  const virtual = virtualKinds.find((one) => one.group === group && one.version === version && one.kind === kind);
  return schemas.of(virtual ?? parent);
}
