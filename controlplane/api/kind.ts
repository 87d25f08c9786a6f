// One kind, one declaration: routes, storage prefix, client, informer, table output, OpenAPI and the reference page
// all derive from what defineKind receives.
import type { FieldCause } from '../base/errors';
import type { DeletionRules } from './deletion';
import type { PodTemplate } from './pods/types';
import type { ScalePaths } from './scale';
import type { SchemaSource } from './schema/schema';
import type { StoredAs, VersionOf } from './storage';
import type { KubeObject } from './types';

/** Names one resource of the API; a client needs no more to reach it. */
export interface KindRef<T extends KubeObject = KubeObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The resource name in paths, lower-case plural: endpointslices. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it carries the object type for the compiler. */
  readonly object?: T;
}

/** One column of `kubectl get`; `cell` must not throw on missing fields. */
export interface Column<T> {
  readonly name: string;
  /** OpenAPI type and format of the cell: 'string', 'integer', 'date'. */
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, 1 only with -o wide. */
  readonly priority?: 0 | 1;
  /** `now` is milliseconds since the epoch, for ages. */
  cell(object: T, now: number): string | number | bigint | boolean | null;
}

/** The circumstances of a write; `old` is absent on create. */
export interface WriteContext<T> {
  readonly old?: T;
  /** '' for the object itself, else the subresource written, e.g. 'status'. */
  readonly subresource: string;
}

/**
 * `absent`: the kind has no generation. `constant`: it stays 1. The others begin with 1 and are raised by every change outside
 * metadata and status, and by changes of the labels or annotations that they name; `spec-changes` begins with the first change.
 */
export type GenerationRule = 'absent' | 'constant' | 'spec-changes' | 'spec' | 'spec+labels' | 'spec+annotations';

export type KeptMetadata = 'labels' | 'annotations' | 'finalizers' | 'ownerReferences';

/**
 * Reads a value from an object. Declared as a method, as all functions of a kind are: so `Kind<Pod>` is assignable to `Kind`. The
 * server calls them only with objects that the kind's own schema has decoded.
 */
export type Reader<T, R> = { read(object: T): R }['read'];

export interface KindOptions<T extends KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** The source of the schema: a model of @kubernetes/client-node, or a definition in the kind itself. */
  readonly schema: SchemaSource;
  /** Set when the objects are those of another kind, shown in the form of this one: a further version, or another group. */
  readonly storage?: StoredAs<T> | VersionOf;
  /** True for the stored kind of several versions: each object keeps the apiVersion in which it was stored. */
  readonly mixedVersions?: true;
  /** The server computes the objects when they are read; nothing is stored. */
  readonly computed?: true;
  /** Verbs served; all of them by default. */
  readonly verbs?: readonly Verb[];
  /** Subresources beyond `status`: scale, log, exec, binding, token ... */
  readonly subresources?: readonly Subresource[];
  readonly scalePaths?: ScalePaths;
  /** True when the kind has a status subresource: then a write of the object keeps the status, and a write of the status the rest. */
  readonly hasStatus?: boolean;
  /**
   * Metadata that a write of the status cannot change, as it cannot change the spec. None by default: upstream's status
   * strategies allow changes of other metadata.
   */
  readonly statusKeeps?: readonly KeptMetadata[];
  /** Fills defaults into `object` in place, on every write after decoding; must be idempotent. */
  defaults?(object: T): void;
  /**
   * The object as it is read, for objects that were stored under other rules: the same object when nothing changes, else a copy. For
   * definitions that change while objects are stored. Runs for each object that another server wrote, and at loading.
   */
  upgrade?(object: T): T;
  /** Runs before validation: clears fields the writer may not set, or keeps their stored values (strategy). */
  prepare?(object: T, context: WriteContext<T>): void;
  /** Field rules beyond the schema; an empty list means valid. Immutable fields are checked here against context.old. */
  validate?(object: T, context: WriteContext<T>): FieldCause[];
  /** Texts of Warning headers for a valid write, with upstream's messages. */
  warnings?(object: T, context: WriteContext<T>): string[];
  /** The warning that every answer about a deprecated kind has. */
  readonly deprecation?: string;
  /** Checks metadata.name and returns the errors; a DNS subdomain by default. */
  readonly nameCheck?: (name: string) => string[];
  readonly columns?: readonly Column<T>[];
  /** Field selectors beyond metadata.name and metadata.namespace: path to value. */
  readonly fields?: Readonly<Record<string, Reader<T, string>>>;
  /** Fields of `fields` that lists often select by: the cache keeps an index of each. */
  readonly indexedFields?: readonly string[];
  /** The message for a field selector with an unknown field, for kinds with `fields`; upstream has two forms. */
  readonly unknownField?: (quotedPath: string) => string;
  /** The pod template in an object of this kind, and its path: rules for pods also check the template. */
  readonly podTemplate?: { readonly path: string; readonly of: Reader<T, PodTemplate | undefined> };
  /** Rules of a deletion in addition to those of all kinds. */
  readonly deletion?: DeletionRules<T>;
  /** Older versions of the same form that bodies may name: `policy/v1beta1`. */
  readonly sentAs?: readonly string[];
  /** True: a PUT of a missing object creates it. Upstream's AllowCreateOnUpdate. */
  readonly createOnUpdate?: boolean;
  /**
   * False: an update must name the resourceVersion it has read. Upstream's AllowUnconditionalUpdate. By default only kinds without a
   * Go type demand it.
   */
  readonly unconditionalUpdate?: boolean;
  /** Fields and items of one body; default: maxJsonValues. */
  readonly maxValues?: number;
  /** Which changes raise metadata.generation; default: `spec` for kinds with a status, `absent` for the others. */
  readonly generation?: GenerationRule;
  /** Values that no other object may hold: names from claims.ts. Depends only on the object, and never throws. */
  claims?(object: T): readonly string[];
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';
export const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** A subresource and the verbs it is served with: routes, discovery and OpenAPI all read this. */
export interface Subresource {
  readonly name: string;
  readonly verbs: readonly Verb[];
  /** Group, version and kind of the body, if not the parent's: autoscaling/v1 Scale. */
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  /**
   * The parts of the object that a write of the subresource may change. `status`: only the status (approval of a
   * CertificateSigningRequest). `all`: also the status (binding of a pod). Default: all except the status.
   */
  readonly writes?: 'status' | 'all';
  /** The write changes no desired state, so metadata.generation stays. */
  readonly keepsGeneration?: boolean;
  /** The rest of the path after the name is an argument of the subresource: proxy. */
  readonly takesPath?: boolean;
  /** Set when the subresource is a part of the object, read and written with the object as its body. */
  readonly part?: ObjectPart;
  /** Further methods, which are no verb of the API: HEAD counts as `get`, OPTIONS as a verb that only `*` allows, as upstream. */
  readonly furtherMethods?: readonly ('HEAD' | 'OPTIONS')[];
}

/** What a write of a subresource changes: everything else stays as it is stored. */
export interface ObjectPart {
  /**
   * Puts the stored values into all fields of `object` outside metadata and status that the write does not change. Upstream's
   * PrepareForUpdate: the writer still becomes the owner of all fields that it sent.
   */
  keepRest(object: KubeObject, old: KubeObject): void;
}

const statusSubresource: Subresource = { name: 'status', verbs: ['get', 'patch', 'update'], writes: 'status' };

type WithSubresources = { readonly options: Pick<KindOptions<KubeObject>, 'hasStatus' | 'subresources'> };

/** All subresources of a kind: the declared ones, and `status` if it has one. */
export function subresourcesOf({ options }: WithSubresources): readonly Subresource[] {
  const declared = options.subresources ?? [];
  return options.hasStatus ? [...declared, statusSubresource] : declared;
}

/** Undefined when the kind has no such subresource. */
export function subresourceOf(kind: WithSubresources, name: string): Subresource | undefined {
  return subresourcesOf(kind).find((subresource) => subresource.name === name);
}

/** False for kinds that are only requested: reviews, bindings and the like. The others have objects to get and to list. */
export const isReadable = ({ verbs }: Pick<Kind, 'verbs'>): boolean => verbs.includes('get');

/** True for a kind whose objects are in the store and in the cache. */
export const isStored = (kind: Pick<Kind, 'verbs' | 'options'>): boolean => isReadable(kind) && !kind.options.computed;

/** True for a kind with its own definition, as of a CustomResourceDefinition: it has no Go type. */
export const isCustom = ({ options }: { readonly options: Pick<KindOptions<KubeObject>, 'schema'> }): boolean =>
  'definition' in options.schema;

/** True when an update may leave out the resourceVersion: then it replaces the object, whatever another writer changed. */
export const allowsUnconditionalUpdate = (kind: {
  readonly options: Pick<KindOptions<KubeObject>, 'schema' | 'unconditionalUpdate'>;
}) => kind.options.unconditionalUpdate ?? !isCustom(kind);

/** Undefined for the object itself, for `status`, and for subresources with a handler of their own. */
export function partOf(kind: WithSubresources, subresource: string): ObjectPart | undefined {
  return subresource === '' ? undefined : subresourceOf(kind, subresource)?.part;
}

/** True for `status` and similar subresources: the write may change only the status. */
export function writesStatus(kind: WithSubresources, subresource: string): boolean {
  return subresource !== '' && subresourceOf(kind, subresource)?.writes === 'status';
}

/** A declared kind: its reference, its options with the defaults filled in, and its storage prefix. */
export interface Kind<T extends KubeObject = KubeObject> extends KindRef<T> {
  readonly options: Readonly<KindOptions<T>>;
  readonly singular: string;
  readonly verbs: readonly Verb[];
  /** 'v1' or 'apps/v1'. */
  readonly apiVersion: string;
  /** Store keys are `${prefix}namespace/name` or `${prefix}name`; ends with a slash. Kinds of the same objects share it. */
  readonly prefix: string;
}

export function defineKind<T extends KubeObject>(options: KindOptions<T>): Kind<T> {
  const { group, version, kind, plural, namespaced, storage } = options;
  if (storage?.kind.options.storage) throw new Error(`${kind} is stored as a kind that is not stored itself`);
  return Object.freeze({
    group,
    version,
    kind,
    plural,
    namespaced,
    options,
    singular: options.singular ?? kind.toLowerCase(),
    verbs: options.verbs ?? allVerbs,
    apiVersion: group === '' ? version : `${group}/${version}`,
    prefix: storage?.kind.prefix ?? `/registry/${group === '' ? 'core' : group}/${plural}/`,
  });
}
